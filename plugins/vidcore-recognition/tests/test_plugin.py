from __future__ import annotations

import pytest
import torch

from vidcore.plugins import Component
from vidcore.testing import check_component, check_light, check_metric, check_plugin
from vidcore.values import Prediction, SampleRef
from vidcore_recognition import plugin
from vidcore_recognition.metrics import config as metrics

COMPONENTS = plugin.vidcore_components()
CLASSES = ["run", "jump", "swim"]


def test_the_plugin_keeps_its_promises() -> None:
    check_plugin(plugin)
    check_light(plugin, COMPONENTS)


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda one: f"{one.kind}-{one.name}")
def test_component_keeps_the_contract(component: Component) -> None:
    check_component(component)


def test_names_are_those_that_experiments_use() -> None:
    names = {f"{one.kind}:{one.name}" for one in COMPONENTS}
    assert names == {
        "task:recognition",
        "loss:cross-entropy",
        "loss:bce",
        "loss:nll",
        "loss:class-balanced-focal",
        "loss:grouped-bce",
        "metric:accuracy",
        "metric:mean-class-accuracy",
        "metric:confusion",
        "metric:mean-average-precision",
        "metric:per-sample-map",
        "metric:calibration",
    }


def predicted(index: int, *scores: float) -> Prediction:
    return Prediction(ref=SampleRef("", 0, index), outputs={"scores": torch.tensor(scores)})


SCORES = [predicted(0, 0.8, 0.1, 0.1), predicted(1, 0.1, 0.2, 0.7), predicted(2, 0.2, 0.5, 0.3)]


@pytest.mark.parametrize(
    "config",
    [metrics.Accuracy(), metrics.MeanClassAccuracy(over="true-or-predicted"), metrics.Confusion(per_class=True)],
    ids=lambda one: type(one).__name__,
)
def test_metric_of_single_labels_keeps_the_contract(config: object) -> None:
    check_metric(config, CLASSES, [(one, {"label": label}) for one, label in zip(SCORES, (0, 1, 0), strict=True)])


@pytest.mark.parametrize(
    "config",
    [metrics.MeanAveragePrecision(), metrics.PerSampleMap(), metrics.PerSampleMap(unlabelled="nan")],
    ids=lambda one: f"{type(one).__name__}-{getattr(one, 'unlabelled', '')}",
)
def test_metric_of_several_labels_keeps_the_contract(config: object) -> None:
    labels = ([1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0])
    samples = [(one, {"labels": torch.tensor(row)}) for one, row in zip(SCORES, labels, strict=True)]
    check_metric(config, CLASSES, samples)
