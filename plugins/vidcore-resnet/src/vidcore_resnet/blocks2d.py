"""2D ResNet parts, with the names of their 3D relatives: image weights map onto both by the same rule.

Paper: He et al., CVPR 2016, arXiv:1512.03385.
Letters: N batch, C channels, H W pixels.
Route: ConvNorm2d is a part of everything; then the two blocks; stem and trunk (ResNet2d) put them together.
"""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from vidcore_resnet.plans import DEPTHS, EXPANSION

NormFactory = Callable[[int], nn.Module]


class ConvNorm2d(nn.Module):
    """Convolution of odd kernel without bias, padded to keep its size at stride 1, then a norm, no activation."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        norm: NormFactory = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        padding = kernel // 2 * dilation
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding, dilation=dilation, bias=False)
        self.norm = norm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.conv(x))
        return out


class BasicBlock2d(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, in_channels: int, width: int, *, stride: int = 1, norm: NormFactory = nn.BatchNorm2d) -> None:
        super().__init__()
        out_channels = width * EXPANSION["basic"]
        self.conv1 = ConvNorm2d(in_channels, width, 3, stride=stride, norm=norm)
        self.conv2 = ConvNorm2d(width, out_channels, 3, norm=norm)
        self.downsample = _shortcut(in_channels, out_channels, stride, norm)

    @property
    def last_norm(self) -> nn.Module:
        return self.conv2.norm

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.conv1(x), inplace=True)  # [N, width, H', W']
        out = self.conv2(out)
        return F.relu(out + self.downsample(x), inplace=True)


class Bottleneck2d(nn.Module):
    """1x1, 3x3, 1x1 beside a shortcut; the 3x3 strides."""

    def __init__(self, in_channels: int, width: int, *, stride: int = 1, norm: NormFactory = nn.BatchNorm2d) -> None:
        super().__init__()
        out_channels = width * EXPANSION["bottleneck"]
        self.conv1 = ConvNorm2d(in_channels, width, 1, norm=norm)
        self.conv2 = ConvNorm2d(width, width, 3, stride=stride, norm=norm)
        self.conv3 = ConvNorm2d(width, out_channels, 1, norm=norm)
        self.downsample = _shortcut(in_channels, out_channels, stride, norm)

    @property
    def last_norm(self) -> nn.Module:
        return self.conv3.norm

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.conv1(x), inplace=True)  # [N, width, H, W]
        out = F.relu(self.conv2(out), inplace=True)  # [N, width, H', W']
        out = self.conv3(out)
        return F.relu(out + self.downsample(x), inplace=True)


def _shortcut(in_channels: int, out_channels: int, stride: int, norm: NormFactory) -> nn.Module:
    """The identity where sizes agree, else a strided 1x1 convolution."""
    if in_channels == out_channels and stride == 1:
        return nn.Identity()
    return ConvNorm2d(in_channels, out_channels, 1, stride=stride, norm=norm)


class Stem2d(nn.Module):
    """7x7 convolution and 3x3 max pool: a quarter of the size."""

    def __init__(self, in_channels: int, out_channels: int, *, norm: NormFactory = nn.BatchNorm2d) -> None:
        super().__init__()
        self.conv = ConvNorm2d(in_channels, out_channels, 7, stride=2, norm=norm)
        self.pool = nn.MaxPool2d(3, 2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.pool(F.relu(self.conv(x), inplace=True))
        return out


class Stage2d(nn.Module):
    """Blocks one after the other."""

    def __init__(self, blocks: list[nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x


class ResNet2d(nn.Module):
    """Stem and four stages, without a classifier.

    Args:
        depth: 10, 18, 34, 50, 101 or 152.
        in_channels: Channels of an image.
        base_channels: Channels of the stem; each stage doubles them.
        norm: Norm of every convolution.
    """

    def __init__(
        self, depth: int = 50, *, in_channels: int = 3, base_channels: int = 64, norm: NormFactory = nn.BatchNorm2d
    ) -> None:
        super().__init__()
        kind, counts = DEPTHS[depth]
        make_block = BasicBlock2d if kind == "basic" else Bottleneck2d
        self.stem = Stem2d(in_channels, base_channels, norm=norm)
        self.stages = nn.ModuleList()
        channels = base_channels
        for stage, count in enumerate(counts):
            width = base_channels * 2**stage
            blocks: list[nn.Module] = []
            for index in range(count):
                blocks.append(make_block(channels, width, stride=2 if stage and not index else 1, norm=norm))
                channels = width * EXPANSION[kind]
            self.stages.append(Stage2d(blocks))
        self.out_channels = channels

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Maps of the stages, coarse last: `[N, C, H/4, W/4]` to `[N, 8C, H/32, W/32]`."""
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps)
