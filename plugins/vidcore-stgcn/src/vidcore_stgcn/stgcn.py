"""ST-GCN: graph convolutions over joints, then convolutions over frames; ST-GCN++ is the same with other options.

Papers: Yan et al., AAAI 2018, arXiv:1801.07455; ST-GCN++: Duan et al., ACM MM 2022, arXiv:2205.09443.
Letters: B samples x persons, C channels, T frames, V joints, S matrices of the graph.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidcore_skeleton.graphs import adjacency
from vidcore_skeleton.layouts import layout_of
from vidcore_stgcn.config import Stgcn as Options
from vidcore_stgcn.parts import SkeletonNet, TemporalBranches, TemporalConv, init_convolutions, make_stages

_SMALL = 1e-6  # of learned edges that are added to the graph, at the start


class GraphConv(nn.Module):
    """Each joint gathers what its neighbours say, with weights of their own for each matrix of the graph."""

    def __init__(self, channels: int, out_channels: int, graph: Tensor, options: Options) -> None:
        super().__init__()
        self.edges, self.gather = options.edges, options.gather
        if self.edges == "learned":
            self.graph = nn.Parameter(graph.clone())
        else:
            self.register_buffer("graph", graph.clone())
        self.edge_weights: nn.Parameter | None = None
        if self.edges == "weighted":
            self.edge_weights = nn.Parameter(torch.ones_like(graph))
        elif self.edges == "shifted":
            self.edge_weights = nn.Parameter(torch.empty_like(graph).uniform_(-_SMALL, _SMALL))
        if self.gather == "after":
            self.conv = nn.Conv2d(channels, out_channels * len(graph), 1)
        else:
            self.conv = nn.Conv2d(channels * len(graph), out_channels, 1)
        self.norm = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module | None = None
        if options.residual:
            self.shortcut = nn.Identity() if channels == out_channels else _projection(channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        graph = self._weighted_graph()
        if self.gather == "after":
            spoken = self.conv(x).unflatten(1, (len(graph), -1))  # [B, S, C', T, V]
            heard = torch.einsum("bsctv,svw->bctw", spoken, graph)  # [B, C', T, V]
        else:
            heard = self.conv(torch.einsum("bctv,svw->bsctw", x, graph).flatten(1, 2))
        heard = self.norm(heard)
        return F.relu(heard if self.shortcut is None else heard + self.shortcut(x))

    def _weighted_graph(self) -> Tensor:
        if self.edge_weights is None:
            return self.graph
        return self.graph * self.edge_weights if self.edges == "weighted" else self.graph + self.edge_weights


def _projection(channels: int, out_channels: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(channels, out_channels, 1), nn.BatchNorm2d(out_channels))


class Stgcn(SkeletonNet):
    """The network, for sequences of joints `pose [N, M, T, V, C]`."""

    def __init__(self, options: Options) -> None:
        super().__init__(options, options.data_norm)
        stack = adjacency(layout_of(options.layout), options.graph, options.max_hop)
        graph = torch.tensor(stack, dtype=torch.float32)
        self.stages = make_stages(
            options,
            lambda channels, out: GraphConv(channels, out, graph, options),
            lambda channels, stride: (
                TemporalBranches(channels, stride)
                if options.temporal == "branches"
                else TemporalConv(channels, channels, stride=stride)
            ),
        )
        init_convolutions(self.stages)
