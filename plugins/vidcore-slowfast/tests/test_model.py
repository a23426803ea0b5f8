from __future__ import annotations

import pytest
import torch

from vidcore.errors import ConfigError
from vidcore_slowfast.config import NonLocal, SlowFast, SlowOnly
from vidcore_slowfast.model import SlowFast as SlowFastNet
from vidcore_slowfast.model import SlowOnly as SlowOnlyNet

TINY = {"depth": 10, "base_channels": 16, "num_classes": 5}


def slowonly(**options) -> SlowOnlyNet:
    return SlowOnlyNet(SlowOnly(**TINY | options)).eval()


def slowfast(**options) -> SlowFastNet:
    return SlowFastNet(SlowFast(**TINY | options)).eval()


def clip(frames: int = 16, channels: int = 3, size: tuple[int, int] = (32, 48), n: int = 2) -> torch.Tensor:
    return torch.randn(n, channels, frames, *size)


def shapes(model, video) -> list[tuple[int, ...]]:
    return [tuple(x.shape) for x in model.features(video)]


def test_slowonly_gives_a_map_for_each_stage_and_logits():
    video = clip(frames=4)
    assert shapes(slowonly(), video) == [(2, 16, 4, 8, 12), (2, 32, 4, 4, 6), (2, 64, 4, 2, 3), (2, 128, 4, 1, 2)]
    assert slowonly()(video).shape == (2, 5)


def test_slowfast_gives_slow_and_fast_maps_for_each_stage():
    found = shapes(slowfast(), clip(frames=16))
    assert found[:2] == [(2, 16, 2, 8, 12), (2, 2, 16, 8, 12)]
    assert found[-2:] == [(2, 128, 2, 1, 2), (2, 16, 16, 1, 2)]
    assert len(found) == 8


@pytest.mark.parametrize("depth", [10, 18, 34, 50, 101, 152])
def test_every_depth_builds(depth):
    video = clip(frames=8, size=(32, 32), n=1)
    assert slowonly(depth=depth, base_channels=2)(video).shape == (1, 5)
    assert slowfast(depth=depth, base_channels=2, channel_ratio=2)(video).shape == (1, 5)


def test_logits_are_the_same_in_training_mode_without_dropout_and_batch_statistics():
    model, video = slowonly(dropout=0.0), clip(4)
    evaluated = model(video)
    for module in model.train().modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.eval()
    assert torch.equal(model(video), evaluated)


def test_slow_pathway_sees_every_eighth_frame():
    model, video = slowfast(speed_ratio=8), clip(16)
    seen = []
    model.slow.stem.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    model.fast.stem.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    model(video)
    assert torch.equal(seen[0], video[:, :, ::8])
    assert torch.equal(seen[1], video)


def test_fast_interval_thins_both_pathways():
    found = shapes(slowfast(speed_ratio=4, fast_interval=2), clip(16))
    assert [shape[2] for shape in found[-2:]] == [2, 8]


def test_order_of_frames_matters_to_temporal_kernels_only():
    video = clip(4)
    moving = slowonly(zero_init_residual=False)
    frozen = slowonly(zero_init_residual=False, inflation=("1x1x1",) * 4)
    torch.testing.assert_close(frozen(video), frozen(video[:, :, [2, 0, 3, 1]]))
    assert not torch.allclose(moving(video), moving(video[:, :, [2, 0, 3, 1]]), atol=1e-4)


def test_strides_and_dilations_shape_the_maps():
    model = slowonly(spatial_strides=(1, 2, 2, 1), temporal_strides=(1, 2, 1, 1), dilations=(1, 1, 1, 2))
    assert shapes(model, clip(4))[-1] == (2, 128, 2, 2, 3)
    model = slowfast(spatial_strides=(1, 2, 2, 1), slow_dilations=(1, 1, 1, 2), fast_dilations=(1, 1, 1, 2))
    assert shapes(model, clip(16))[-2:] == [(2, 128, 2, 2, 3), (2, 16, 16, 2, 3)]
    assert model.slow.stages[3].blocks[0].conv1.conv.dilation == (1, 2, 2)


def test_stem_options_keep_more_of_a_heatmap():
    model = slowonly(
        in_channels=17,
        stem_stride=(1, 1, 1),
        stem_pool=False,
        stage_blocks=(1, 2, 1),
        spatial_strides=(2, 2, 2),
        temporal_strides=(1, 1, 2),
        dilations=(1, 1, 1),
        inflation=("1x1x1", "3x1x1", "3x3x3"),
    )
    video = clip(4, channels=17, size=(24, 28))
    assert shapes(model, video) == [(2, 16, 4, 12, 14), (2, 32, 4, 6, 7), (2, 64, 2, 3, 4)]
    pooled = slowonly(stem_kernel=(3, 5, 5), stem_stride=(1, 1, 1), stem_pool_stride=(2, 1, 1))
    assert shapes(pooled, clip(4, size=(16, 16)))[0] == (2, 16, 2, 16, 16)


@pytest.mark.parametrize("mode", ["gaussian", "embedded_gaussian", "dot_product", "concatenation"])
def test_non_local_blocks_sit_where_they_are_asked_for(mode):
    non_local = NonLocal(blocks=((), (0,), (0,), ()), mode=mode, use_scale=True)
    model = slowonly(non_local=non_local)
    assert [type(unit).__name__ for unit in model.blocks()].count("NonLocal3d") == 2
    assert model(clip(4)).shape == (2, 5)
    both = slowfast(slow_non_local=non_local, fast_non_local=non_local)
    assert [type(unit).__name__ for unit in both.blocks()].count("NonLocal3d") == 4


def test_inflation_may_be_given_for_each_block():
    mixed = ("3x1x1", "1x1x1")
    model = slowonly(depth=18, inflation=("1x1x1", mixed, "1x1x1", "1x1x1"))
    assert [block.conv1.conv.kernel_size[0] for block in model.blocks()] == [1, 1, 3, 1, 1, 1, 1, 1]
    both = slowfast(depth=18, slow_inflation=("1x1x1", mixed, "1x1x1", "1x1x1"), fast_inflation=(mixed,) * 4)
    assert [block.conv1.conv.kernel_size[0] for block in both.blocks()] == [1, 1, 3, 1, 1, 1, 1, 1, *[3, 1] * 4]


def test_lateral_options_reach_the_lateral_convolutions():
    model = slowfast(fusion_kernel=7, fusion_ratio=3, lateral_norm=True, speed_ratio=4)
    first = model.laterals[0]
    assert first.conv.weight.shape == (6, 2, 7, 1, 1)
    assert first.conv.stride == (4, 1, 1)
    assert first(torch.randn(1, 2, 8, 4, 4)).min() >= 0  # norm and ReLU
    assert slowfast().laterals[0].norm is None


def test_initialisation_options_reach_the_network():
    model = slowonly(zero_init_residual=False, init_std=0.0, dropout=0.25)
    assert all(block.last_norm.weight.all() for block in model.blocks())
    assert not any(block.last_norm.weight.any() for block in slowonly().blocks())
    assert not model.head.fc.weight.any()
    assert model.head.dropout.p == 0.25


@pytest.mark.parametrize("make", [slowonly, slowfast])
def test_gradient_reaches_every_parameter(make):
    kind = NonLocal(blocks=((), (0,), (), ()))
    name = "non_local" if make is slowonly else "slow_non_local"
    model = make(zero_init_residual=False, **{name: kind}).train()
    for module in model.modules():
        if type(module).__name__ == "NonLocal3d":
            torch.nn.init.ones_(module.norm.weight)  # it starts as the identity, where nothing flows through
            torch.nn.init.normal_(module.theta.weight)
    model(clip(16)).square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_blocks_are_all_residual_blocks_of_both_pathways():
    assert len(slowonly(depth=18).blocks()) == 8
    assert len(slowfast(depth=18, fast_depth=10).blocks()) == 12


def test_unknown_class_count_cannot_be_built():
    with pytest.raises(ConfigError, match="num_classes is not known"):
        slowonly(num_classes=None)
