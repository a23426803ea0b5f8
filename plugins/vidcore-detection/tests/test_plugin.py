from __future__ import annotations

import pytest
import torch

from vidcore.testing import check_metric, check_plugin
from vidcore.values import Prediction, SampleRef
from vidcore_detection import plugin
from vidcore_detection.metric_config import FrameMap


def test_plugin_keeps_every_contract() -> None:
    check_plugin(plugin)


def frame(index: int, *scores: list[float]) -> Prediction:
    boxes = torch.tensor([[0.1, 0.1, 0.5, 0.9], [0.5, 0.1, 0.9, 0.9]])
    return Prediction(ref=SampleRef("", 0, index), outputs={"boxes": boxes, "scores": torch.tensor(scores)})


TRUTH = {"boxes": torch.tensor([[0.1, 0.1, 0.5, 0.9]]), "labels": torch.tensor([[1.0, 0.0]])}
NOBODY = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, 2)}


@pytest.mark.parametrize(
    "config", [FrameMap(), FrameMap(per_class=True, decimals=2, groups={"first": (1, 1)}, undetected="leave-out")]
)
def test_metric_keeps_the_contract(config: FrameMap) -> None:
    samples = [
        (frame(0, [0.9, 0.1], [0.3, 0.2]), TRUTH),
        (frame(1, [0.2, 0.1], [0.8, 0.6]), TRUTH),
        (frame(2, [0.5, 0.5], [0.5, 0.5]), NOBODY),
    ]
    check_metric(config, ["stand", "walk"], samples)
