"""SlowFast: two pathways watch the same clip at two frame rates. SlowOnly is its slow pathway alone.

Paper: Feichtenhofer et al., ICCV 2019, arXiv:1812.03982. Its alpha is our speed ratio, its beta 1 / channel ratio.
Letters: N batch, C channels, T frames, H W pixels, K classes.
Route: Lateral is what joins the pathways; SlowOnly shows what a pathway consists of; SlowFast puts two together.
Blocks and stages are those of vidcore-resnet; the published variants are in recipes/.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidcore_resnet.blocks3d import Size3, Stage3d, Stem3d, make_stages
from vidcore_resnet.head import Classifier
from vidcore_resnet.init import init_resnet
from vidcore_resnet.plans import NonLocal, StagePlan
from vidcore_slowfast import config


class Pathway(nn.Module):
    """A stem and its stages; who calls them decides what happens in between."""

    def __init__(
        self, stem: Stem3d, stem_channels: int, plans: Sequence[StagePlan], non_local: NonLocal, lateral: Sequence[int]
    ) -> None:
        super().__init__()
        self.stem = stem
        self.stages = make_stages(stem_channels, plans, extra_channels=lateral, non_local=non_local)

    def units(self) -> list[nn.Module]:
        """Blocks in the order of the stages."""
        return [unit for stage in self.stages for unit in cast(Stage3d, stage).units()]


class Lateral(nn.Module):
    """Brings the fast pathway's map to the slow pathway's frame rate by a strided convolution over time."""

    def __init__(self, channels: int, out_channels: int, *, kernel: int, speed_ratio: int, norm: bool) -> None:
        super().__init__()
        self.conv = nn.Conv3d(
            channels, out_channels, (kernel, 1, 1), (speed_ratio, 1, 1), (kernel // 2, 0, 0), bias=False
        )
        self.norm = nn.BatchNorm3d(out_channels) if norm else None

    def forward(self, fast: Tensor) -> Tensor:
        lateral: Tensor = self.conv(fast)  # [N, 2 C_fast, T/alpha, H, W]
        return lateral if self.norm is None else F.relu(self.norm(lateral), inplace=True)


class SlowOnly(nn.Module):
    """The slow pathway alone, from `video [N, C, T, H, W]` to `logits [N, K]`."""

    def __init__(self, options: config.SlowOnly) -> None:
        super().__init__()
        plans = options.stages()
        self.slow = Pathway(
            Stem3d(
                options.in_channels,
                options.base_channels,
                kernel=options.stem_kernel,
                stride=options.stem_stride,
                pool_stride=_pool_stride(options),
            ),
            options.base_channels,
            plans,
            options.non_local,
            lateral=(0,) * len(plans),
        )
        init_resnet(self.slow, zero_init_residual=options.zero_init_residual)
        self.head = _classifier(plans[-1].out_channels, options)

    def features(self, video: Tensor) -> tuple[Tensor, ...]:
        """The map of each stage, `[N, C', T', H', W']`, coarse last."""
        x = self.slow.stem(video)
        maps = []
        for stage in self.slow.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps)

    def forward(self, video: Tensor) -> Tensor:
        return cast(Tensor, self.head(self.features(video)[-1].mean(dim=(2, 3, 4))))  # [N, K]

    def blocks(self) -> list[nn.Module]:
        """Residual and non-local blocks in order: units to compile, shard or checkpoint."""
        return self.slow.units()


class SlowFast(nn.Module):
    """Both pathways, from `video [N, C, T, H, W]` to `logits [N, K]`."""

    def __init__(self, options: config.SlowFast) -> None:
        super().__init__()
        self.fast_interval = options.fast_interval
        self.speed_ratio = options.speed_ratio
        slow_plans, fast_plans = options.slow_stages(), options.fast_stages()
        fused = (options.fast_channels, *(plan.out_channels for plan in fast_plans[:-1]))  # after stem and stages
        lateral = [channels * options.fusion_ratio for channels in fused]
        self.slow = Pathway(
            _stem(options, options.slow_stem_kernel, options.base_channels),
            options.base_channels,
            slow_plans,
            options.slow_non_local,
            lateral,
        )
        self.fast = Pathway(
            _stem(options, options.fast_stem_kernel, options.fast_channels),
            options.fast_channels,
            fast_plans,
            options.fast_non_local,
            lateral=(0,) * len(fast_plans),
        )
        self.laterals = nn.ModuleList(
            Lateral(
                channels,
                out_channels,
                kernel=options.fusion_kernel,
                speed_ratio=options.speed_ratio,
                norm=options.lateral_norm,
            )
            for channels, out_channels in zip(fused, lateral, strict=True)
        )
        init_resnet(self, zero_init_residual=options.zero_init_residual)
        channels = fast_plans[-1].out_channels + slow_plans[-1].out_channels
        self.head = _classifier(channels, options)

    def features(self, video: Tensor) -> tuple[Tensor, ...]:
        """Two maps for each stage, slow before fast: `(slow1, fast1, ..., slow4, fast4)`.

        The last two are those of the last stage, `[N, C_slow, T/alpha, H', W']` and `[N, C_fast, T, H', W']`: a region
        pooler that wants both takes `features(video)[-2:]`.
        """
        fast = _every(video, self.fast_interval)  # [N, C, T, H, W]
        slow = _every(video, self.fast_interval * self.speed_ratio)  # [N, C, T/alpha, H, W]
        slow, fast = self.slow.stem(slow), self.fast.stem(fast)
        maps: list[Tensor] = []
        for slow_stage, fast_stage, fuse in zip(self.slow.stages, self.fast.stages, self.laterals, strict=True):
            slow = slow_stage(torch.cat([slow, fuse(fast)], dim=1))
            fast = fast_stage(fast)
            maps += [slow, fast]
        return tuple(maps)

    def forward(self, video: Tensor) -> Tensor:
        slow, fast = self.features(video)[-2:]
        pooled = torch.cat([x.mean(dim=(2, 3, 4)) for x in (fast, slow)], dim=1)  # [N, C_fast + C_slow]
        return cast(Tensor, self.head(pooled))  # [N, K]

    def blocks(self) -> list[nn.Module]:
        """Residual and non-local blocks, slow pathway first: units to compile, shard or checkpoint."""
        return self.slow.units() + self.fast.units()


def _every(video: Tensor, step: int) -> Tensor:
    """Every `step`-th frame, from the first; a rest shorter than `step` gives no frame."""
    return video[:, :, : video.shape[2] // step * step : step]


def _stem(options: config.SlowFast, kernel: Size3, channels: int) -> Stem3d:
    return Stem3d(
        options.in_channels, channels, kernel=kernel, stride=options.stem_stride, pool_stride=_pool_stride(options)
    )


def _classifier(channels: int, options: config.SlowOnly | config.SlowFast) -> Classifier:
    return Classifier(channels, options.num_classes, dropout=options.dropout, init_std=options.init_std)


def _pool_stride(options: config.SlowOnly | config.SlowFast) -> Size3 | None:
    return options.stem_pool_stride if options.stem_pool else None
