"""The networks and their converters; recorded figures of them are checked by tests/reference/models.py."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from attrs import evolve

from vidcore.errors import WeightsError
from vidcore.plugins import build
from vidcore.testing import check_plugin
from vidcore_ctrgcn import plugin
from vidcore_ctrgcn.config import Ctrgcn, Msg3d
from vidcore_ctrgcn.msg3d import by_distance, over_window
from vidcore_ctrgcn.msg3d_weights import from_mmaction2 as msg3d_from_mmaction2
from vidcore_ctrgcn.weights import from_mmaction2


def test_plugin_keeps_every_contract() -> None:
    check_plugin(plugin)


def test_each_sample_refines_the_graph_by_its_own_share() -> None:
    graph = build(evolve(Ctrgcn.example(), data_norm="none")).eval().stages[0].graph
    torch.nn.init.ones_(graph.norm.weight)
    pose = torch.randn(1, 3, 4, 17)
    with torch.no_grad():
        shared = graph(pose)
        graph.own_share.fill_(1.0)
        assert not torch.allclose(graph(pose), shared, atol=1e-3)


def test_options_shape_the_branches() -> None:
    model = build(evolve(Ctrgcn.example(), dilations=(1, 2, 4), temporal_kernel=3, base_channels=18))
    branches = model.stages[0].temporal.branches
    assert [branch[3][0].dilation[0] for branch in branches[:3]] == [1, 2, 4]
    assert [branch[3][0].out_channels for branch in branches[:3]] == [6, 3, 3]  # the first takes the rest
    assert model(torch.randn(2, 2, 8, 17, 3)).shape == (2, 4)


def test_keys_of_other_architectures_are_refused() -> None:
    with pytest.raises(WeightsError, match=r"backbone\.gcn\.0\.gcn\.A"):
        from_mmaction2({"backbone.gcn.0.gcn.A": torch.zeros(1)})
    with pytest.raises(WeightsError, match=r"backbone\.sgcn1\.0\.conv\.weight"):
        msg3d_from_mmaction2({"backbone.sgcn1.0.conv.weight": torch.zeros(1)})


def test_a_scale_holds_the_joints_at_one_distance_and_the_joint_itself() -> None:
    line = np.array([[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]])
    alone, near, far = (graph > 0 for graph in by_distance(line, 3).numpy())
    np.testing.assert_array_equal(alone, np.eye(4))
    np.testing.assert_array_equal(near, line + np.eye(4))
    assert far[0].tolist() == [True, False, True, False]
    in_three_frames = over_window(line, 3)
    assert in_three_frames.shape == (12, 12)
    assert in_three_frames[0].tolist() == [1, 1, 0, 0] * 3  # itself and its neighbour, in each of them


def test_a_block_looks_as_far_as_its_longest_window_and_branches() -> None:
    config = evolve(Msg3d.example(), num_stages=1, widen_at=(), stride_at=(), data_norm="none", windows=(3, 5))
    (window,) = [part for part in build(config).eval().stages[0].across if part.window == 5]
    pose = torch.zeros(1, 3, 16, 17)
    moved = pose.clone()
    moved[:, :, 8, 9] = 1.0  # a wrist in one frame
    with torch.no_grad():
        window.graph.learned.zero_()
        changed = (window(moved) - window(pose)).abs().sum(dim=(0, 1)) > 1e-6
    assert changed.any(dim=1).nonzero().flatten().tolist() == [6, 7, 8, 9, 10]
    assert changed.any(dim=0).nonzero().flatten().tolist() == [7, 9]  # one edge away, in this small example
