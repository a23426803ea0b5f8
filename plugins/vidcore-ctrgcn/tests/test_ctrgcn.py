"""The network and its converter; recorded figures of it are checked by tests/reference/models.py."""

from __future__ import annotations

import pytest
import torch
from attrs import evolve

from vidcore.errors import WeightsError
from vidcore.plugins import build
from vidcore.testing import check_plugin
from vidcore_ctrgcn import plugin
from vidcore_ctrgcn.config import Ctrgcn
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
