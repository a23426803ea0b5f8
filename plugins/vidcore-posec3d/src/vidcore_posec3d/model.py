"""PoseC3D: a network for videos that looks at heatmaps of key points and limbs.

Paper: Duan et al., CVPR 2022, arXiv:2104.13586. Letters: N batch, V maps (joints, limbs), T frames, H W pixels, K
classes. The network is any model of videos; the published ones are SlowOnly networks (recipes/).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from attrs import evolve
from torch import Tensor, nn

from vidcore.plugins import build
from vidcore_posec3d import config


class PoseC3d(nn.Module):
    """From `heatmap [N, V, T, H, W]` to `logits [N, K]`."""

    def __init__(self, options: config.PoseC3d) -> None:
        super().__init__()
        self.network: nn.Module = build(evolve(options.network, num_classes=options.num_classes))
        heads = getattr(self.network, "head_prefixes", ("head.",))
        self.head_prefixes = tuple(f"network.{prefix}" for prefix in heads)

    def features(self, heatmap: Tensor) -> tuple[Tensor, ...]:
        """The network's maps, coarse last."""
        features = cast(Callable[..., tuple[Tensor, ...]], self.network.features)
        return features(video=heatmap)

    def forward(self, heatmap: Tensor) -> Tensor:
        logits: Tensor = self.network(video=heatmap)
        return logits

    def blocks(self) -> list[nn.Module]:
        """The network's units to compile, shard or checkpoint; itself where it tells none."""
        blocks = getattr(self.network, "blocks", None)
        return list(blocks()) if callable(blocks) else [self.network]
