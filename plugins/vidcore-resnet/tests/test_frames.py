from __future__ import annotations

import pytest
import torch
from torch import nn

from vidcore.errors import ConfigError
from vidcore_resnet.config import ResNet2D
from vidcore_resnet.frames import FrameResNet


def net(**options) -> FrameResNet:
    return FrameResNet(ResNet2D(num_classes=5, depth=10, base_channels=4, **options)).eval()


def test_logits_do_not_depend_on_the_order_of_frames():
    model, video = net(), torch.randn(2, 3, 4, 32, 40)
    assert model(video).shape == (2, 5)
    torch.testing.assert_close(model(video), model(video.flip(2)))


def test_average_is_over_the_logits_of_single_frames():
    model, video = net(), torch.randn(2, 3, 3, 32, 40)
    alone = torch.stack([model(video[:, :, t : t + 1]) for t in range(3)])
    torch.testing.assert_close(model(video), alone.mean(dim=0))


def test_maximum_keeps_the_strongest_frame_of_each_class():
    model, video = net(consensus="max"), torch.randn(2, 3, 3, 32, 40)
    alone = torch.stack([model(video[:, :, t : t + 1]) for t in range(3)])
    torch.testing.assert_close(model(video), alone.amax(dim=0))


def test_features_are_maps_over_time():
    maps = net().features(torch.randn(2, 3, 4, 64, 96))
    assert [tuple(x.shape) for x in maps] == [(2, 4, 4, 16, 24), (2, 8, 4, 8, 12), (2, 16, 4, 4, 6), (2, 32, 4, 2, 3)]


def test_options_reach_the_network():
    model = net(in_channels=5, dropout=0.25, zero_init_residual=False, init_std=0.0)
    assert model(torch.randn(1, 5, 2, 32, 32)).shape == (1, 5)
    assert model.head.dropout.p == 0.25
    assert not model.head.fc.weight.any()
    assert all(block.last_norm.weight.all() for block in model.blocks())
    assert not any(block.last_norm.weight.any() for block in net().blocks())


def test_gradient_reaches_every_parameter():
    model = net(zero_init_residual=False).train()
    model(torch.randn(4, 3, 2, 64, 64)).square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_blocks_cover_all_residual_blocks():
    assert len(FrameResNet(ResNet2D(num_classes=2, depth=18, base_channels=4)).blocks()) == 8
    assert all(isinstance(block, nn.Module) for block in net().blocks())


def test_unknown_class_count_cannot_be_built():
    with pytest.raises(ConfigError, match="num_classes is not known"):
        FrameResNet(ResNet2D(depth=10))
