"""The converters, on state dicts written under MMAction2's names."""

from __future__ import annotations

import pytest
import torch

from vidcore.errors import WeightsError
from vidcore.plugins import build
from vidcore_ava.weights import slowfast_detector_from_mmaction2, slowonly_detector_from_mmaction2
from vidcore_detection.fusion_config import ActorRelation
from vidcore_detection.model_config import RegionDetector
from vidcore_slowfast.config import SlowFast, SlowOnly

HEAD = {"roi_head.bbox_head.fc_cls.weight": torch.zeros(5, 128), "roi_head.bbox_head.fc_cls.bias": torch.zeros(5)}


def test_detector_takes_backbone_and_head_apart() -> None:
    state = {"backbone.conv1.conv.weight": torch.ones(16, 3, 1, 7, 7), **HEAD}
    converted = slowonly_detector_from_mmaction2(state)
    model = build(RegionDetector(backbone=SlowOnly(depth=10, base_channels=16), num_classes=4, spare_output=True))
    expected = model.state_dict()
    assert {key: tensor.shape for key, tensor in converted.items()} == {
        key: expected[key].shape for key in ("backbone.slow.stem.conv.conv.weight", "head.fc.weight", "head.fc.bias")
    }


def test_both_pathways_and_a_hidden_layer_are_found() -> None:
    names = ("roi_head.bbox_head.fc_cls.0.weight", "roi_head.bbox_head.fc_cls.2.bias")
    state = {"backbone.fast_path.conv1.bn.bias": torch.zeros(1), **dict.fromkeys(names, torch.zeros(2))}
    model = build(
        RegionDetector(backbone=SlowFast(depth=10, base_channels=16), maps=2, hidden_layer=True, num_classes=4)
    )
    assert slowfast_detector_from_mmaction2(state).keys() <= model.state_dict().keys()


@pytest.mark.parametrize("convolutions", [1, 3])
def test_relation_of_actors_is_converted(convolutions: int) -> None:
    places = ["conv1", "conv2", *(f"convs.{i}" for i in range(convolutions - 1))]
    state: dict[str, torch.Tensor] = {}
    for number, place in enumerate(places):
        shape = (128, 256, 1, 1, 1) if place == "conv1" else (128, 128, 1, 3, 3)
        state[f"roi_head.shared_head.{place}.conv.weight"] = torch.full(shape, float(number))
        for one in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            state[f"roi_head.shared_head.{place}.bn.{one}"] = torch.full((128,), float(number))
    fusion = ActorRelation(convolutions=convolutions)
    model = build(RegionDetector(backbone=SlowOnly(depth=10, base_channels=16), fusion=fusion, num_classes=4))
    converted = slowonly_detector_from_mmaction2(state)
    expected = {key: value.shape for key, value in model.state_dict().items() if key.startswith("fusion.")}
    assert converted.keys() == expected.keys()
    assert all(converted[key].shape == shape for key, shape in expected.items() if not key.endswith("tracked"))
    for number in range(convolutions):
        assert (converted[f"fusion.spread.{number}.conv.weight"] == number + 1).all()


@pytest.mark.parametrize("key", ["roi_head.shared_head.conv3.conv.weight", "roi_head.bbox_head.fc_cls.1.weight"])
def test_keys_of_other_heads_are_refused(key: str) -> None:
    with pytest.raises(WeightsError, match="unknown keys"):
        slowonly_detector_from_mmaction2({**HEAD, key: torch.zeros(1)})
