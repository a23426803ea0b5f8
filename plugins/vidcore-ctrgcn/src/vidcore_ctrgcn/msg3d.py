"""MS-G3D: graph convolutions over several distances, within frames and across windows of frames.

Paper: Liu et al., CVPR 2020, arXiv:2003.14111.
Letters: B samples x persons, C channels, T frames, V joints, W frames of a window, S scales (distances in the graph).
Route: MultiScaleGraphConv is section 3.2; WindowGraphConv is 3.3, on windows as one large graph; Temporal is 3.4; Block
puts them together; Msg3d stacks blocks.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidcore_ctrgcn.config import Msg3d as Options
from vidcore_ctrgcn.model import TemporalBranches
from vidcore_skeleton.graphs import Matrix, adjacency, k_adjacency, normalized
from vidcore_skeleton.layouts import layout_of
from vidcore_stgcn.parts import SkeletonNet, TemporalConv, init_convolutions

_KERNEL = 3  # frames that a temporal branch reaches over
_DILATIONS = (1, 2, 3, 4)
_SMALL = 1e-6  # of the first learned part of a graph


def by_distance(neighbours: Matrix, scales: int) -> Tensor:
    """For each distance from 0 on, joints exactly so far apart, and each with itself: `[S, V, V]`, columns sum to 1."""
    stack = [normalized(k_adjacency(neighbours, k, with_self=True)) for k in range(scales)]
    return torch.tensor(np.stack(stack), dtype=torch.float32)


def over_window(neighbours: Matrix, window: int) -> Matrix:
    """The graph of a window: each joint is tied to itself and its neighbours in all frames of it, `[W V, W V]`."""
    return np.tile(neighbours + np.eye(len(neighbours)), (window, window))


class MultiScaleGraphConv(nn.Module):
    """Each scale gathers from its joints by itself; a linear layer mixes them. The graph is learned in small parts."""

    def __init__(self, channels: int, out_channels: int, graphs: Tensor) -> None:
        super().__init__()
        self.graphs: Tensor
        self.register_buffer("graphs", graphs.clone())
        self.learned = nn.Parameter(torch.empty_like(graphs).uniform_(-_SMALL, _SMALL))
        self.mix = nn.Conv2d(channels * len(graphs), out_channels, 1)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        heard = torch.einsum("swv,bctw->bsctv", self.graphs + self.learned, x).flatten(1, 2)  # [B, S C, T, V]
        return F.relu(self.norm(self.mix(heard)))


class WindowGraphConv(nn.Module):
    """A graph convolution over the joints of a whole window, then one over the frames of the window."""

    def __init__(
        self,
        widths: tuple[int, int, int],  # channels in, within the window, out
        neighbours: Matrix,
        *,
        scales: int,
        window: int,
        stride: int,
    ) -> None:
        super().__init__()
        channels, inner, out_channels = widths
        self.window = window
        self.unfold = nn.Unfold((window, 1), stride=(stride, 1), padding=(window // 2, 0))
        self.graph = MultiScaleGraphConv(channels, inner, by_distance(over_window(neighbours, window), scales))
        self.join = nn.Conv3d(inner, out_channels, (1, window, 1))
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        joints = x.shape[-1]
        windows = self.unfold(x).view(*x.shape[:2], self.window, -1, joints)  # [B, C, W, T', V]
        heard = self.graph(windows.transpose(2, 3).flatten(3))  # [B, C', T', W V]
        joined: Tensor = self.norm(self.join(heard.unflatten(3, (self.window, joints))).squeeze(3))
        return joined


class Temporal(nn.Module):
    """Branches over frames with a shortcut; ReLU unless what it gives is added to something first."""

    def __init__(self, channels: int, out_channels: int, stride: int = 1, *, activate: bool = True) -> None:
        super().__init__()
        self.branches = TemporalBranches(channels, stride, _KERNEL, _DILATIONS, out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if channels != out_channels or stride != 1:
            self.shortcut = TemporalConv(channels, out_channels, kernel=1, stride=stride)
        self.activate = activate

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.branches.joined(x) + self.shortcut(x)
        return F.relu(out) if self.activate else out


class Block(nn.Module):
    """Long reach within frames beside short reach across them, added up, then over time."""

    def __init__(self, widths: tuple[int, int, int], stride: int, neighbours: Matrix, options: Options) -> None:
        super().__init__()
        channels, inner, out_channels = widths
        self.within = nn.Sequential(
            MultiScaleGraphConv(channels, inner, by_distance(neighbours, options.scales)),
            Temporal(inner, out_channels, stride),
            Temporal(out_channels, out_channels, activate=False),
        )
        self.across = nn.ModuleList(
            WindowGraphConv(widths, neighbours, scales=options.window_scales, window=window, stride=stride)
            for window in options.windows
        )
        self.temporal = Temporal(out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        added = self.within(x) + sum(window(x) for window in self.across)
        out: Tensor = self.temporal(F.relu(added))  # [B, C', T', V]
        return out


class Msg3d(SkeletonNet):
    """The network, for sequences of joints `pose [N, M, T, V, C]`."""

    def __init__(self, options: Options) -> None:
        super().__init__(options, options.data_norm)
        (neighbours,) = adjacency(layout_of(options.layout), "binary")
        for index, (channels, out, stride) in enumerate(options.stages()):
            inner = channels if index else out  # coordinates are widened at once
            self.stages.append(Block((channels, inner, out), stride, neighbours, options))
        init_convolutions(self.stages)
