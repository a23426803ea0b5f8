"""2s-AGCN: the graph is learned, and each sample adds one of its own. With attention it is MS-AAGCN.

Papers: Shi et al., CVPR 2019, arXiv:1805.07694; MS-AAGCN: Shi et al., TIP 2020, arXiv:1912.06971.
Letters: B samples x persons, C channels, T frames, V joints, S matrices of the graph.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidcore_skeleton.graphs import adjacency
from vidcore_skeleton.layouts import layout_of
from vidcore_stgcn.config import Agcn as Options
from vidcore_stgcn.parts import SkeletonNet, TemporalConv, init_convolutions, make_stages

_SQUEEZE = 4  # output channels / channels that joints are compared in


class Attention(nn.Module):
    """Stresses joints, then frames, then channels, each by a gate between 1 and 2."""

    def __init__(self, channels: int, joints: int) -> None:
        super().__init__()
        kernel = joints if joints % 2 else joints - 1
        self.joints = nn.Conv1d(channels, 1, kernel, padding=kernel // 2)
        self.frames = nn.Conv1d(channels, 1, 9, padding=4)
        self.squeeze = nn.Linear(channels, channels // 2)
        self.expand = nn.Linear(channels // 2, channels)
        nn.init.xavier_normal_(self.joints.weight)
        nn.init.zeros_(self.frames.weight)  # the gates of frames and channels start at one half for all
        nn.init.kaiming_normal_(self.squeeze.weight)
        nn.init.zeros_(self.expand.weight)
        for bias in (self.joints.bias, self.frames.bias, self.squeeze.bias, self.expand.bias):
            if bias is not None:
                nn.init.zeros_(bias)

    def forward(self, x: Tensor) -> Tensor:
        x = x + x * self.joints(x.mean(dim=2)).sigmoid().unsqueeze(2)  # gate [B, 1, 1, V]
        x = x + x * self.frames(x.mean(dim=3)).sigmoid().unsqueeze(3)  # gate [B, 1, T, 1]
        gate: Tensor = self.expand(F.relu(self.squeeze(x.mean(dim=(2, 3))))).sigmoid()  # [B, C]
        return x + x * gate[:, :, None, None]


class AdaptiveGraphConv(nn.Module):
    """A graph convolution whose matrices are learned, plus how alike joints are in this very sample."""

    def __init__(self, channels: int, out_channels: int, graph: Tensor, attention: bool) -> None:
        super().__init__()
        count, joints = len(graph), graph.shape[-1]
        width = out_channels // _SQUEEZE
        self.graph = nn.Parameter(graph.clone())
        self.own_share = nn.Parameter(torch.zeros(1))  # alpha of the papers
        self.asks = nn.ModuleList(nn.Conv2d(channels, width, 1) for _ in range(count))
        self.answers = nn.ModuleList(nn.Conv2d(channels, width, 1) for _ in range(count))
        convs = [nn.Conv2d(channels, out_channels, 1) for _ in range(count)]
        self.convs = nn.ModuleList(convs)
        self.norm = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if channels != out_channels:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, out_channels, 1), nn.BatchNorm2d(out_channels))
        for part in (*self.asks, *self.answers, *self.shortcut.modules()):
            init_convolutions(part)
        for conv in convs:
            nn.init.normal_(conv.weight, std=math.sqrt(2 / (out_channels * channels * count)))
            if conv.bias is not None:
                nn.init.zeros_(conv.bias)
        nn.init.constant_(self.norm.weight, 1e-6)  # each graph convolution starts as its shortcut
        self.attention = Attention(out_channels, joints) if attention else None

    def forward(self, x: Tensor) -> Tensor:
        heard = 0
        for graph, ask, answer, conv in zip(self.graph, self.asks, self.answers, self.convs, strict=True):
            asked = ask(x).flatten(1, 2)  # [B, C T, V]
            alike = torch.tanh(asked.transpose(1, 2) @ answer(x).flatten(1, 2) / asked.shape[1])  # [B, V, V]
            heard = heard + conv(torch.einsum("bctv,bvw->bctw", x, graph + alike * self.own_share))
        out = F.relu(self.norm(heard) + self.shortcut(x))  # [B, C', T, V]
        return out if self.attention is None else self.attention(out)


class Agcn(SkeletonNet):
    """The network, for sequences of joints `pose [N, M, T, V, C]`."""

    def __init__(self, options: Options) -> None:
        super().__init__(options, options.data_norm)
        graph = torch.tensor(adjacency(layout_of(options.layout), "spatial"), dtype=torch.float32)
        self.stages = make_stages(
            options,
            lambda channels, out: AdaptiveGraphConv(channels, out, graph, options.attention),
            lambda channels, stride: TemporalConv(channels, channels, stride=stride),
        )
        for part in self.stages.modules():
            if isinstance(part, TemporalConv):
                init_convolutions(part)
