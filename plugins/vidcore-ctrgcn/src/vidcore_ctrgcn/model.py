"""CTR-GCN: graph convolutions with a graph for every channel, refined for each sample.

Paper: Chen et al., ICCV 2021, arXiv:2107.12213. Its alpha is our `own_share`.
Letters: B samples x persons, C channels, R channels that joints are compared in, T frames, V and W joints.
Route: RefinedGraphConv is one subset of the graph; GraphConv adds them up; Ctrgcn stacks them. The stages around them
are those of vidcore-stgcn.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidcore_ctrgcn.config import Ctrgcn as Options
from vidcore_skeleton.graphs import adjacency
from vidcore_skeleton.layouts import layout_of
from vidcore_stgcn.parts import SkeletonNet, TemporalConv, init_convolutions, make_stages

_SQUEEZE = 8  # channels / channels that joints are compared in
_FEWEST = 8  # of these, where the input has only coordinates


class RefinedGraphConv(nn.Module):
    """One subset of the graph: what all channels share, plus how joints differ in this sample, channel by channel."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        compared = channels // _SQUEEZE if channels >= _SQUEEZE * 2 else _FEWEST
        self.ask = nn.Conv2d(channels, compared, 1)
        self.answer = nn.Conv2d(channels, compared, 1)
        self.speak = nn.Conv2d(channels, out_channels, 1)
        self.refine = nn.Conv2d(compared, out_channels, 1)

    def forward(self, x: Tensor, graph: Tensor, own_share: Tensor) -> Tensor:
        asked, answered = self.ask(x).mean(dim=2), self.answer(x).mean(dim=2)  # [B, R, V]
        apart = torch.tanh(asked.unsqueeze(3) - answered.unsqueeze(2))  # [B, R, V, W]
        refined = self.refine(apart) * own_share + graph  # [B, C', V, W], from joint V to joint W
        return torch.einsum("bcvw,bctv->bctw", refined, self.speak(x))


class GraphConv(nn.Module):
    """All subsets of the graph, added up, with a shortcut."""

    def __init__(self, channels: int, out_channels: int, graph: Tensor) -> None:
        super().__init__()
        self.graph = nn.Parameter(graph.clone())
        self.own_share = nn.Parameter(torch.zeros(1))
        self.subsets = nn.ModuleList(RefinedGraphConv(channels, out_channels) for _ in graph)
        self.norm = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if channels != out_channels:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, out_channels, 1), nn.BatchNorm2d(out_channels))
        init_convolutions(self)
        nn.init.constant_(self.norm.weight, 1e-6)  # each graph convolution starts as its shortcut

    def forward(self, x: Tensor) -> Tensor:
        subsets = zip(self.subsets, self.graph, strict=True)
        heard = sum(subset(x, graph, self.own_share) for subset, graph in subsets)  # [B, C', T, V]
        return F.relu(self.norm(heard) + self.shortcut(x))


class TemporalBranches(nn.Module):
    """Dilated convolutions, a max pool and single frames side by side, each with its norm, then ReLU."""

    def __init__(
        self, channels: int, stride: int, kernel: int, dilations: tuple[int, ...], out_channels: int | None = None
    ) -> None:
        super().__init__()
        out_channels = out_channels or channels
        width = out_channels // (len(dilations) + 2)
        widths = [out_channels - width * (len(dilations) + 1)] + [width] * (
            len(dilations) - 1
        )  # the first takes the rest
        self.branches = nn.ModuleList(
            nn.Sequential(*_squeeze(channels, out), _dilated(out, kernel, stride, dilation))
            for out, dilation in zip(widths, dilations, strict=True)
        )
        pool = nn.MaxPool2d((3, 1), (stride, 1), (1, 0))
        self.branches.append(nn.Sequential(*_squeeze(channels, width), pool, nn.BatchNorm2d(width)))
        self.branches.append(nn.Sequential(nn.Conv2d(channels, width, 1, (stride, 1)), nn.BatchNorm2d(width)))
        init_convolutions(self)

    def joined(self, x: Tensor) -> Tensor:
        """All branches, before the ReLU."""
        return torch.cat([branch(x) for branch in self.branches], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.joined(x))


def _squeeze(channels: int, out_channels: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    return nn.Conv2d(channels, out_channels, 1), nn.BatchNorm2d(out_channels), nn.ReLU()


def _dilated(channels: int, kernel: int, stride: int, dilation: int) -> nn.Module:
    reach = (kernel + (kernel - 1) * (dilation - 1) - 1) // 2
    conv = nn.Conv2d(channels, channels, (kernel, 1), (stride, 1), (reach, 0), (dilation, 1))
    return nn.Sequential(conv, nn.BatchNorm2d(channels))


class Ctrgcn(SkeletonNet):
    """The network, for sequences of joints `pose [N, M, T, V, C]`."""

    def __init__(self, options: Options) -> None:
        super().__init__(options, options.data_norm)
        graph = torch.tensor(adjacency(layout_of(options.layout), "spatial"), dtype=torch.float32)
        self.stages = make_stages(
            options,
            lambda channels, out: GraphConv(channels, out, graph),
            lambda channels, stride: TemporalBranches(channels, stride, options.temporal_kernel, options.dilations),
        )
        for part in self.stages.modules():
            if isinstance(part, TemporalConv):
                init_convolutions(part)
