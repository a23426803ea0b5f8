from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from vidcore_resnet.blocks2d import ResNet2d
from vidcore_resnet.blocks3d import BasicBlock3d, Bottleneck3d, Stem3d, make_stage, make_stages
from vidcore_resnet.init import init_resnet
from vidcore_resnet.plans import NonLocal, StagePlan, plan_stages

CLIP = (2, 8, 4, 8, 10)


@pytest.mark.parametrize(
    "inflation, kernels",
    [
        ("1x1x1", [(1, 1, 1), (1, 3, 3), (1, 1, 1)]),
        ("3x1x1", [(3, 1, 1), (1, 3, 3), (1, 1, 1)]),
        ("3x3x3", [(1, 1, 1), (3, 3, 3), (1, 1, 1)]),
    ],
)
def test_inflation_decides_which_kernels_of_a_bottleneck_reach_over_time(inflation, kernels):
    block = Bottleneck3d(8, 2, inflation=inflation)
    assert [conv.conv.kernel_size for conv in (block.conv1, block.conv2, block.conv3)] == kernels
    assert block(torch.randn(CLIP)).shape == CLIP


@pytest.mark.parametrize("inflation, frames", [("1x1x1", 1), ("3x1x1", 3), ("3x3x3", 3)])
def test_inflated_basic_block_reaches_over_time_in_both_convolutions(inflation, frames):
    block = BasicBlock3d(8, 8, inflation=inflation)
    assert block.conv1.conv.kernel_size == block.conv2.conv.kernel_size == (frames, 3, 3)
    assert block(torch.randn(CLIP)).shape == CLIP


@pytest.mark.parametrize("make_block, channels", [(BasicBlock3d, 4), (Bottleneck3d, 16)])
def test_strides_shrink_time_and_space_and_dilation_does_not(make_block, channels):
    block = make_block(8, 4, stride=(2, 2, 2), inflation="3x3x3")
    assert block(torch.randn(CLIP)).shape == (2, channels, 2, 4, 5)
    assert make_block(8, 4, dilation=2)(torch.randn(CLIP)).shape == (2, channels, 4, 8, 10)


def test_dilation_reaches_further_in_space_and_not_in_time():
    block = Bottleneck3d(8, 4, dilation=2, inflation="3x3x3")
    assert block.conv2.conv.dilation == (1, 2, 2)
    assert block.conv2.conv.padding == (1, 2, 2)


def test_stem_without_pool_keeps_the_size_of_its_convolution():
    stem = Stem3d(3, 8, kernel=(5, 7, 7), stride=(1, 2, 2), pool_stride=None)
    assert stem(torch.randn(1, 3, 4, 16, 20)).shape == (1, 8, 4, 8, 10)
    stem = Stem3d(3, 8, pool_stride=(2, 2, 2))
    assert stem(torch.randn(1, 3, 4, 16, 20)).shape == (1, 8, 2, 4, 5)


def test_stage_puts_non_local_blocks_behind_the_planned_blocks():
    plan = StagePlan(kind="basic", width=8, inflation=("1x1x1",) * 3, non_local=(0, 2))
    stage = make_stage(8, plan, non_local=NonLocal(mode="dot_product"))
    kinds = [type(unit).__name__ for unit in stage.units()]
    assert kinds == ["BasicBlock3d", "NonLocal3d", "BasicBlock3d", "BasicBlock3d", "NonLocal3d"]
    assert stage.units()[1].mode == "dot_product"


def test_extra_channels_widen_the_input_of_each_stage():
    strides = {"spatial_strides": (1, 2), "temporal_strides": (1, 1), "dilations": (1, 1)}
    plans = plan_stages(depth=50, base_channels=4, inflation=("1x1x1", "3x1x1"), **strides)
    stages = make_stages(4, plans, extra_channels=(2, 8))
    assert stages[0](torch.randn(1, 6, 2, 8, 8)).shape == (1, 16, 2, 8, 8)
    assert stages[1](torch.randn(1, 24, 2, 8, 8)).shape == (1, 32, 2, 4, 4)


def test_norm_of_a_family_reaches_every_convolution():
    plan = StagePlan(kind="bottleneck", width=4, inflation=("1x1x1",) * 2)
    stage = make_stage(8, plan, norm=partial(nn.BatchNorm3d, eps=1e-3))
    assert {module.eps for module in stage.modules() if isinstance(module, nn.BatchNorm3d)} == {1e-3}


def test_zero_init_residual_makes_every_block_its_shortcut():
    block = Bottleneck3d(8, 2)
    init_resnet(block)
    x = torch.rand(CLIP)  # not negative, so that the last ReLU changes nothing
    assert torch.equal(block(x), x)
    init_resnet(block, zero_init_residual=False)
    assert not torch.equal(block(x), x)


def test_convolutions_start_with_he_variance_over_their_outputs():
    conv = nn.Conv3d(16, 64, (3, 3, 3))
    init_resnet(conv)
    assert conv.weight.std().item() == pytest.approx((2 / (64 * 27)) ** 0.5, rel=0.05)


@pytest.mark.parametrize("depth, channels", [(10, 32), (18, 32), (34, 32), (50, 128), (101, 128), (152, 128)])
def test_2d_trunk_of_every_depth_gives_four_maps(depth, channels):
    net = ResNet2d(depth, base_channels=4)
    maps = net(torch.randn(1, 3, 64, 64))
    assert [tuple(x.shape[2:]) for x in maps] == [(16, 16), (8, 8), (4, 4), (2, 2)]
    assert maps[-1].shape[1] == net.out_channels == channels
