from __future__ import annotations

import pytest
import torch
from attrs import evolve
from torch import nn

from vidcore.errors import ConfigError
from vidcore.plugins import build
from vidcore.testing import check_model
from vidcore_omnisource.config import OmniResNet
from vidcore_omnisource.model import ConvNorm, norm_rows

SMALL = OmniResNet.example()


def test_an_image_is_seen_as_a_still_clip_without_end() -> None:
    unit = ConvNorm(3, 5, (3, 3, 3), 2, nn.BatchNorm3d).eval()
    unit.norm.running_mean.normal_()
    image = torch.randn(2, 3, 12, 10)
    clip = unit(image.unsqueeze(2).repeat(1, 1, 5, 1, 1))
    torch.testing.assert_close(unit(image), clip[:, :, 2])  # far from both ends
    assert not torch.allclose(unit(image), clip[:, :, 0], atol=1e-3)


def test_statistics_are_those_of_the_videos() -> None:
    model = build(SMALL).train()
    before = {name: value.clone() for name, value in model.trunk.state_dict().items() if "running" in name}
    image = torch.randn(4, 3, 32, 32)
    model.features(image=image)
    assert all(torch.equal(value, model.trunk.state_dict()[name]) for name, value in before.items())
    model.features(torch.randn(2, 3, 4, 32, 32))
    changed = [name for name, value in before.items() if not torch.equal(value, model.trunk.state_dict()[name])]
    assert len(changed) == len(before)
    stem = model.trunk.stem.conv  # and images are normalised by their own
    out = stem(image)
    torch.testing.assert_close(out.mean(dim=(0, 2, 3)), torch.zeros(8), atol=1e-5, rtol=0)


def test_a_single_row_is_normalised_by_what_is_known() -> None:
    norm, row = nn.BatchNorm1d(4).train(), torch.randn(1, 4)
    norm.running_mean.fill_(2.0)
    torch.testing.assert_close(norm_rows(norm, row), row - 2.0, atol=1e-4, rtol=1e-4)
    assert norm.running_mean.eq(2.0).all()


def test_videos_alone_give_their_logits() -> None:
    model = build(SMALL).eval()
    video, image = torch.randn(2, 3, 4, 32, 32), torch.randn(3, 3, 32, 32)
    both = model(video=video, image=image)
    assert both["image"].shape == (3, 3)
    assert torch.equal(model(video), both["video"])


@pytest.mark.parametrize("options", [{"image_classes": None}, {"video_hidden": False}, {"depth": 101}])
def test_variants_keep_the_contract(options: dict[str, object]) -> None:
    config = evolve(SMALL, **options)
    if config.image_classes is None:  # a model of videos, which any task of videos can train
        assert build(config).image_head is None
        with pytest.raises(ConfigError, match=r"no head for images; set model\.image_classes"):
            build(config)(image=torch.zeros(2, 3, 32, 32))
        return
    check_model(config)


def test_blocks_start_as_their_shortcut_where_that_is_asked_for() -> None:
    for wanted in (True, False):
        blocks = build(evolve(SMALL, zero_init_residual=wanted)).blocks()
        assert len(blocks) == 4
        assert all(bool(block.conv3.norm.weight.any()) != wanted for block in blocks)


def test_the_momentum_is_that_of_every_norm_of_the_trunk() -> None:
    trunk = build(evolve(SMALL, norm_momentum=0.3)).trunk
    assert {module.momentum for module in trunk.modules() if isinstance(module, nn.BatchNorm3d)} == {0.3}


def test_what_does_not_fit_is_told_before_anything_is_built() -> None:
    inputs = {"video": (3, 8, 224, 224), "image": (1, 224, 224), "image_label": (5,)}
    assert list(SMALL.check_inputs(inputs)) == [
        "in_channels is 3, but the images have 1 channels",
        "model.image_classes is 3, but the images have 5 classes",
    ]
    without = evolve(SMALL, image_classes=None)
    assert list(without.check_inputs({**inputs, "image": (3, 224, 224)})) == [
        "it has no head for images; set model.image_classes = 5"
    ]
    with pytest.raises(ValueError, match="stage_blocks needs one entry for each of the 4 stages, got 2"):
        OmniResNet(stage_blocks=(1, 1))
