"""Converters. All keys and outputs of the published network are compared in tests/reference."""

from __future__ import annotations

import re

import pytest
import torch
from attrs import evolve
from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck, ResNet

from vidcore import load_weights
from vidcore.errors import WeightsError
from vidcore.plugins import build
from vidcore_omnisource.config import OmniResNet
from vidcore_omnisource.weights import from_mmaction2

SMALL = OmniResNet.example()


def their_names(model: nn.Module) -> dict[str, Tensor]:
    """A model's tensors under MMAction2's names: the inverse of the converter, made by hand."""
    hidden = "video_head.hidden.weight" in model.state_dict()
    heads = {"image_head.norm": "cls_head.fc2d.2", "image_head.fc": "cls_head.fc2d.4"}
    heads |= {"video_head.hidden": "cls_head.fc3d.2"} if hidden else {}
    heads |= {"video_head.norm": f"cls_head.fc3d.{3 if hidden else 2}"}
    heads |= {"video_head.fc": f"cls_head.fc3d.{6 if hidden else 4}"}
    state = {}
    for ours, tensor in model.state_dict().items():
        layer, _, what = ours.rpartition(".")
        key = f"{heads.get(layer, layer)}.{what}"
        key = re.sub(r"stages\.(\d)\.blocks", lambda match: f"layer{int(match[1]) + 1}", key)
        key = key.replace("downsample.conv", "downsample.0").replace("downsample.norm", "downsample.1")
        key = key.replace("trunk.stem.conv.", "trunk.conv1.").replace("trunk", "backbone")
        key = re.sub(r"conv(\d)\.conv", r"conv\1", key)
        state[re.sub(r"conv(\d)\.norm", r"bn\1", key)] = tensor
    return state


@pytest.mark.parametrize("hidden", [True, False])
def test_every_key_converts(hidden: bool) -> None:
    model = build(evolve(SMALL, video_hidden=hidden))
    state = their_names(model)
    assert {"backbone.layer4.0.downsample.1.running_var", "backbone.bn1.bias", "cls_head.fc2d.4.bias"} <= state.keys()
    converted = from_mmaction2(state)
    assert converted.keys() == model.state_dict().keys()
    assert all(torch.equal(converted[key], value) for key, value in model.state_dict().items())


@pytest.mark.parametrize(
    "key", ["backbone.layer1.0.conv1.conv.weight", "cls_head.fc_cls.weight", "cls_head.fc3d.5.bias"]
)
def test_keys_of_other_architectures_are_refused(key: str) -> None:
    with pytest.raises(WeightsError, match=re.escape(key)):
        from_mmaction2({key: torch.zeros(1)})


def test_image_weights_fill_all_but_the_heads() -> None:
    images = ResNet(Bottleneck, [1, 1, 1, 1])
    model = build(evolve(SMALL, base_channels=64))
    converter = "vidcore_omnisource.weights:from_image"
    report = load_weights(model, images.state_dict(), format=converter, strict="backbone")
    assert all(key.startswith(("video_head.", "image_head.")) for key in report.missing)
    picture = torch.randn(1, 3, 64, 64)
    images.fc = nn.Identity()  # the trunk answers images as the network that it comes from
    torch.testing.assert_close(model.eval().features(image=picture)[-1].mean(dim=(2, 3)), images.eval()(picture))


def test_published_weights_start_a_model_of_other_classes() -> None:
    state = their_names(build(SMALL))
    other = build(evolve(SMALL, num_classes=7, image_classes=None))
    load_weights(other, state, format="vidcore_omnisource.weights:from_mmaction2", strict="backbone")
    assert torch.equal(other.trunk.stem.conv.conv.weight, state["backbone.conv1.weight"])
