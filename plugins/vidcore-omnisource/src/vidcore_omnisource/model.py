"""Omni-ResNet: a SlowOnly network that looks at images, too.

Paper: Duan et al., OmniSource, ECCV 2020, arXiv:2003.13042; joint training with images as MMAction2 1.0 published it.
An image is a still clip without end: every kernel over time answers it with the sum of its weights, so images and
videos train the same parameters. Batch norms see each kind apart; their running statistics are those of the videos.
Letters: N videos, M images, C channels, T frames, H W pixels, K classes of videos, L classes of images.
Route: ConvNorm is a part of everything; Bottleneck and Stage make the trunk; two heads; OmniResNet puts them together.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from vidcore.errors import ConfigError
from vidcore_omnisource import config
from vidcore_resnet.init import init_resnet
from vidcore_resnet.plans import StagePlan

BatchNorm = nn.BatchNorm1d | nn.BatchNorm3d
Norm = Callable[[int], nn.BatchNorm3d]
Size3 = tuple[int, int, int]  # over T, H, W


class ConvNorm(nn.Module):
    """Convolution without bias and norm, of videos `[N, C, T, H, W]` or images `[M, C, H, W]`."""

    def __init__(self, channels: int, out_channels: int, kernel: Size3, stride: int, norm: Norm) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
        self.conv = nn.Conv3d(channels, out_channels, kernel, (1, stride, stride), padding, bias=False)
        self.norm = norm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim == 5:
            return cast(Tensor, self.norm(self.conv(x)))
        stride, padding = self.conv.stride[1:], cast(Size3, self.conv.padding)[1:]
        x = F.conv2d(x, self.conv.weight.sum(dim=2), stride=stride, padding=padding)
        if uses_batch(self.norm, x):  # of these images, which is kept out of the running statistics
            return F.batch_norm(x, None, None, self.norm.weight, self.norm.bias, training=True, eps=self.norm.eps)
        return by_running_statistics(self.norm, x)


class Stem(nn.Module):
    """A 7x7 convolution and a 3x3 max pool, both of stride 2."""

    def __init__(self, channels: int, out_channels: int, norm: Norm) -> None:
        super().__init__()
        self.conv = ConvNorm(channels, out_channels, (1, 7, 7), 2, norm)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv(x), inplace=True)
        if x.ndim == 4:
            return F.max_pool2d(x, 3, 2, padding=1)
        return F.max_pool3d(x, (1, 3, 3), (1, 2, 2), padding=(0, 1, 1))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 beside a shortcut; the 3x3 strides, the first may reach over 3 frames."""

    def __init__(self, channels: int, plan: StagePlan, block: int, norm: Norm) -> None:
        super().__init__()
        frames = 3 if plan.inflation[block] == "3x1x1" else 1
        stride = plan.spatial_stride if block == 0 else 1
        self.conv1 = ConvNorm(channels, plan.width, (frames, 1, 1), 1, norm)
        self.conv2 = ConvNorm(plan.width, plan.width, (1, 3, 3), stride, norm)
        self.conv3 = ConvNorm(plan.width, plan.out_channels, (1, 1, 1), 1, norm)
        same = channels == plan.out_channels and stride == 1
        self.downsample = nn.Identity() if same else ConvNorm(channels, plan.out_channels, (1, 1, 1), stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.conv1(x), inplace=True)
        out = F.relu(self.conv2(out), inplace=True)
        out = self.conv3(out)
        return F.relu(out + self.downsample(x), inplace=True)


class Stage(nn.Module):
    """Blocks of one width."""

    def __init__(self, channels: int, plan: StagePlan, norm: Norm) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            Bottleneck(plan.out_channels if block else channels, plan, block, norm)
            for block in range(len(plan.inflation))
        )

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x


class Trunk(nn.Module):
    """Stem and stages: from videos or images to the maps of all stages, coarse last."""

    def __init__(self, options: config.OmniResNet) -> None:
        super().__init__()
        norm: Norm = partial(nn.BatchNorm3d, momentum=options.norm_momentum)
        plans = options.stages()
        before = (options.base_channels, *(plan.out_channels for plan in plans[:-1]))
        self.stem = Stem(options.in_channels, options.base_channels, norm)
        self.stages = nn.ModuleList(Stage(*each, norm) for each in zip(before, plans, strict=True))
        init_resnet(self)
        for block in self.blocks() if options.zero_init_residual else ():
            nn.init.zeros_(block.conv3.norm.weight)

    def blocks(self) -> list[Bottleneck]:
        return [cast(Bottleneck, block) for stage in self.stages for block in cast(Stage, stage).blocks]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps)


class PlainHead(nn.Module):
    """Norm, dropout and one linear layer, from pooled channels to logits."""

    def __init__(self, channels: int, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, pooled: Tensor) -> Tensor:
        return cast(Tensor, self.fc(self.dropout(norm_rows(self.norm, pooled))))


class HiddenHead(nn.Module):
    """A hidden layer twice as wide as there are classes, then norm, ReLU, dropout and the classifier."""

    def __init__(self, channels: int, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(channels, 2 * num_classes)
        self.norm = nn.BatchNorm1d(2 * num_classes)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(2 * num_classes, num_classes)

    def forward(self, pooled: Tensor) -> Tensor:
        hidden = F.relu(norm_rows(self.norm, self.hidden(pooled)))
        return cast(Tensor, self.fc(self.dropout(hidden)))


class OmniResNet(nn.Module):
    """From `video [N, C, T, H, W]` to `logits [N, K]`; with `image [M, C, H, W]`, to those of both by name."""

    head_prefixes = ("video_head.", "image_head.")

    def __init__(self, options: config.OmniResNet) -> None:
        super().__init__()
        if options.num_classes is None:
            raise ConfigError("model.num_classes is not known: give it, or build the model from a whole experiment")
        self.trunk = Trunk(options)
        channels = options.stages()[-1].out_channels
        head = HiddenHead if options.video_hidden else PlainHead
        self.video_head = head(channels, options.num_classes, options.video_dropout)
        count = options.image_classes
        self.image_head = None if count is None else PlainHead(channels, count, options.image_dropout)

    def features(self, video: Tensor | None = None, image: Tensor | None = None) -> tuple[Tensor, ...]:
        """The map of each stage, coarse last: of videos `[N, C', T, H', W']`, then of images `[M, C', H', W']`."""
        return tuple(x for given in (video, image) if given is not None for x in self.trunk(given))

    def forward(self, video: Tensor | None = None, image: Tensor | None = None) -> Tensor | dict[str, Tensor]:
        logits: dict[str, Tensor] = {}
        if video is not None:
            logits["video"] = self.video_head(self.features(video)[-1].mean(dim=(2, 3, 4)))  # [N, K]
        if image is None:
            return logits["video"]
        if self.image_head is None:
            raise ConfigError("the model has no head for images; set model.image_classes to how many classes they have")
        logits["image"] = self.image_head(self.features(image=image)[-1].mean(dim=(2, 3)))  # [M, L]
        return logits

    def blocks(self) -> list[nn.Module]:
        """Residual blocks in order: units to compile, shard or checkpoint."""
        return list(self.trunk.blocks())


def norm_rows(norm: nn.BatchNorm1d, rows: Tensor) -> Tensor:
    """Normalise `[N, C]`, one row too."""
    return cast(Tensor, norm(rows)) if uses_batch(norm, rows) else by_running_statistics(norm, rows)


def uses_batch(norm: BatchNorm, x: Tensor) -> bool:
    """Whether the batch is normalised by itself; one value a channel has no statistics, so the running ones serve."""
    return norm.training and x.numel() > x.shape[1]


def by_running_statistics(norm: BatchNorm, x: Tensor) -> Tensor:
    """Normalise as in evaluation."""
    return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
