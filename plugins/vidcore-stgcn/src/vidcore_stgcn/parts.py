"""What ST-GCN and 2s-AGCN have in common: input norm, temporal convolutions, a stage, the head.

Letters: N samples, M persons, B = N M, C channels, T frames, V joints, K classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidcore.errors import ConfigError
from vidcore_stgcn.config import SkeletonModel

_DILATIONS = (1, 2, 3, 4)  # of the branches that convolve
_NUM_BRANCHES = len(_DILATIONS) + 2  # and one that pools, and one of single frames


class DataNorm(nn.Module):
    """Batch norm of inputs with a mean for each joint and channel, and for each person where `persons` is told."""

    def __init__(self, channels: int, joints: int, persons: int) -> None:
        super().__init__()
        self.persons = persons
        self.norm = nn.BatchNorm1d(persons * joints * channels)

    def forward(self, pose: Tensor) -> Tensor:
        n, m, t, v, c = pose.shape
        x = pose.permute(0, 1, 3, 4, 2)  # [N, M, V, C, T]
        normed: Tensor = self.norm(x.reshape(n * m // self.persons, self.persons * v * c, t))
        return normed.view(n * m, v, c, t).permute(0, 2, 3, 1)  # [B, C, T, V]


class TemporalConv(nn.Module):
    """A convolution over frames, each joint on its own, and batch norm."""

    def __init__(self, channels: int, out_channels: int, kernel: int = 9, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out_channels, (kernel, 1), (stride, 1), (kernel // 2, 0))
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.conv(x))
        return out


class TemporalBranches(nn.Module):
    """Convolutions of several dilations, a max pool and single frames side by side (ST-GCN++)."""

    def __init__(self, channels: int, stride: int = 1) -> None:
        super().__init__()
        width = channels // _NUM_BRANCHES
        widths = [channels - width * (_NUM_BRANCHES - 1)] + [width] * (_NUM_BRANCHES - 1)  # the first takes the rest
        self.branches = nn.ModuleList(
            nn.Sequential(
                *_squeeze(channels, out),
                nn.Conv2d(out, out, (3, 1), (stride, 1), (dilation, 0), (dilation, 1)),
            )
            for out, dilation in zip(widths, _DILATIONS, strict=False)
        )
        self.branches.append(nn.Sequential(*_squeeze(channels, width), nn.MaxPool2d((3, 1), (stride, 1), (1, 0))))
        self.branches.append(nn.Conv2d(channels, width, 1, (stride, 1)))
        self.joined_norm = nn.BatchNorm2d(channels)
        self.mix = nn.Conv2d(channels, channels, 1)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        joined = torch.cat([branch(x) for branch in self.branches], dim=1)
        out: Tensor = self.norm(self.mix(F.relu(self.joined_norm(joined))))
        return out


def _squeeze(channels: int, out_channels: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    return nn.Conv2d(channels, out_channels, 1), nn.BatchNorm2d(out_channels), nn.ReLU()


class Stage(nn.Module):
    """A graph convolution, a temporal one, and a shortcut around both."""

    def __init__(self, graph: nn.Module, temporal: nn.Module, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.graph = graph
        self.temporal = temporal
        self.shortcut = shortcut  # None: there is no way around

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.temporal(self.graph(x))  # [B, C', T', V]
        return F.relu(out if self.shortcut is None else out + self.shortcut(x))


def make_stages(
    options: SkeletonModel, graph: Callable[[int, int], nn.Module], temporal: Callable[[int, int], nn.Module]
) -> nn.ModuleList:
    """The stages as planned, of `graph(channels, out_channels)` and `temporal(channels, stride)`.

    The first one has no shortcut.
    """
    stages = nn.ModuleList()
    for index, (channels, out, stride) in enumerate(options.stages()):
        shortcut: nn.Module | None = nn.Identity()
        if index == 0:
            shortcut = None
        elif channels != out or stride != 1:
            shortcut = TemporalConv(channels, out, kernel=1, stride=stride)
        stages.append(Stage(graph(channels, out), temporal(out, stride), shortcut))
    return stages


class SkeletonNet(nn.Module):
    """From `pose [N, M, T, V, C]` to `logits [N, K]`; the families fill in the stages."""

    head_prefixes = ("head.",)

    def __init__(self, options: SkeletonModel, data_norm: Literal["joints", "persons", "none"]) -> None:
        super().__init__()
        if options.num_classes is None:
            raise ConfigError("num_classes is not known; give the model its number of classes")
        persons = options.persons if data_norm == "persons" else 1
        self.data_norm = DataNorm(options.in_channels, options.joints, persons) if data_norm != "none" else None
        self.stages: nn.ModuleList = nn.ModuleList()
        *_, (_, channels, _) = options.stages()
        self.dropout = nn.Dropout(options.dropout)
        self.head = nn.Linear(channels, options.num_classes)
        nn.init.normal_(self.head.weight, std=options.init_std)
        nn.init.zeros_(self.head.bias)

    def features(self, pose: Tensor) -> tuple[Tensor, ...]:
        """The map of each stage, `[N, M, C', T', V]`, coarse last."""
        x = pose.flatten(0, 1).permute(0, 3, 1, 2) if self.data_norm is None else self.data_norm(pose)  # [B, C, T, V]
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x.unflatten(0, pose.shape[:2]))
        return tuple(maps)

    def forward(self, pose: Tensor) -> Tensor:
        pooled = self.features(pose)[-1].mean(dim=(3, 4)).mean(dim=1)  # frames and joints, then persons
        logits: Tensor = self.head(self.dropout(pooled))
        return logits  # [N, K]

    def blocks(self) -> list[nn.Module]:
        """Stages in order: units to compile, shard or checkpoint."""
        return list(self.stages)


def init_convolutions(module: nn.Module) -> None:
    """Kaiming's start for convolutions, ones and zeros for norms."""
    for part in module.modules():
        if isinstance(part, nn.Conv1d | nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
            if part.bias is not None:
                nn.init.zeros_(part.bias)
