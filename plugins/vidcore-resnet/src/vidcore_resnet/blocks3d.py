"""3D ResNet parts: convolution with norm, the two blocks, a stem, a stage.

Papers: He et al., CVPR 2016, arXiv:1512.03385; Feichtenhofer et al., ICCV 2019, arXiv:1812.03982 (temporal kernels).
Letters: N batch, C channels, T frames, H W pixels.
Route: ConvNorm3d is a part of everything; BasicBlock3d and Bottleneck3d are the blocks; Stem3d and Stage3d are what a
family puts together; make_stages builds the stages of a plan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from vidcore_resnet.nonlocal3d import NonLocal3d
from vidcore_resnet.plans import EXPANSION, Inflation, NonLocal, StagePlan

Size3 = tuple[int, int, int]  # over T, H, W
NormFactory = Callable[[int], nn.Module]  # channels -> norm, as nn.BatchNorm3d or a partial of it


class ConvNorm3d(nn.Module):
    """Convolution of odd kernel without bias, padded to keep its size at stride 1, then a norm, no activation."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: Size3,
        *,
        stride: Size3 = (1, 1, 1),
        dilation: int = 1,
        norm: NormFactory = nn.BatchNorm3d,
    ) -> None:
        super().__init__()
        steps = (1, dilation, dilation)
        padding = (kernel[0] // 2, kernel[1] // 2 * dilation, kernel[2] // 2 * dilation)
        self.conv = nn.Conv3d(in_channels, out_channels, kernel, stride, padding, dilation=steps, bias=False)
        self.norm = norm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.conv(x))
        return out


class BasicBlock3d(nn.Module):
    """Two 3x3 convolutions beside a shortcut; both reach over 3 frames when inflated (either way of inflating)."""

    def __init__(
        self,
        in_channels: int,
        width: int,
        *,
        inflation: Inflation = "1x1x1",
        stride: Size3 = (1, 1, 1),
        dilation: int = 1,
        norm: NormFactory = nn.BatchNorm3d,
    ) -> None:
        super().__init__()
        kernel = (1, 3, 3) if inflation == "1x1x1" else (3, 3, 3)
        out_channels = width * EXPANSION["basic"]
        self.conv1 = ConvNorm3d(in_channels, width, kernel, stride=stride, dilation=dilation, norm=norm)
        self.conv2 = ConvNorm3d(width, out_channels, kernel, norm=norm)
        self.downsample = _shortcut(in_channels, out_channels, stride, norm)

    @property
    def last_norm(self) -> nn.Module:
        return self.conv2.norm

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.conv1(x), inplace=True)  # [N, width, T', H', W']
        out = self.conv2(out)
        return F.relu(out + self.downsample(x), inplace=True)


class Bottleneck3d(nn.Module):
    """1x1, 3x3, 1x1 beside a shortcut; the 3x3 strides. Inflation says which of the first two reaches over 3 frames."""

    def __init__(
        self,
        in_channels: int,
        width: int,
        *,
        inflation: Inflation = "1x1x1",
        stride: Size3 = (1, 1, 1),
        dilation: int = 1,
        norm: NormFactory = nn.BatchNorm3d,
    ) -> None:
        super().__init__()
        first = (3, 1, 1) if inflation == "3x1x1" else (1, 1, 1)
        middle = (3, 3, 3) if inflation == "3x3x3" else (1, 3, 3)
        out_channels = width * EXPANSION["bottleneck"]
        self.conv1 = ConvNorm3d(in_channels, width, first, norm=norm)
        self.conv2 = ConvNorm3d(width, width, middle, stride=stride, dilation=dilation, norm=norm)
        self.conv3 = ConvNorm3d(width, out_channels, (1, 1, 1), norm=norm)
        self.downsample = _shortcut(in_channels, out_channels, stride, norm)

    @property
    def last_norm(self) -> nn.Module:
        return self.conv3.norm

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.conv1(x), inplace=True)  # [N, width, T, H, W]
        out = F.relu(self.conv2(out), inplace=True)  # [N, width, T', H', W']
        out = self.conv3(out)
        return F.relu(out + self.downsample(x), inplace=True)


def _shortcut(in_channels: int, out_channels: int, stride: Size3, norm: NormFactory) -> nn.Module:
    """The identity where sizes agree, else a strided 1x1x1 convolution."""
    if in_channels == out_channels and stride == (1, 1, 1):
        return nn.Identity()
    return ConvNorm3d(in_channels, out_channels, (1, 1, 1), stride=stride, norm=norm)


class Stem3d(nn.Module):
    """The first convolution and, unless `pool_stride` is None, a 1x3x3 max pool."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel: Size3 = (1, 7, 7),
        stride: Size3 = (1, 2, 2),
        pool_stride: Size3 | None = (1, 2, 2),
        norm: NormFactory = nn.BatchNorm3d,
    ) -> None:
        super().__init__()
        self.conv = ConvNorm3d(in_channels, out_channels, kernel, stride=stride, norm=norm)
        self.pool = nn.Identity() if pool_stride is None else nn.MaxPool3d((1, 3, 3), pool_stride, padding=(0, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.pool(F.relu(self.conv(x), inplace=True))
        return out  # [N, C, T', H/4, W/4] with the usual strides


class Stage3d(nn.Module):
    """Blocks one after the other, some of them followed by a non-local block."""

    def __init__(self, blocks: Sequence[nn.Module], non_local: dict[int, NonLocal3d] | None = None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.non_local = nn.ModuleDict({str(block): module for block, module in (non_local or {}).items()})

    def units(self) -> list[nn.Module]:
        """All blocks in the order of `forward`: units to compile, shard or checkpoint."""
        found: list[nn.Module] = []
        for index, block in enumerate(self.blocks):
            found.append(block)
            if str(index) in self.non_local:
                found.append(self.non_local[str(index)])
        return found

    def forward(self, x: Tensor) -> Tensor:
        for unit in self.units():
            x = unit(x)
        return x


def make_stage(
    in_channels: int, plan: StagePlan, *, non_local: NonLocal | None = None, norm: NormFactory = nn.BatchNorm3d
) -> Stage3d:
    """One stage as planned; its output has `plan.out_channels`."""
    make_block = BasicBlock3d if plan.kind == "basic" else Bottleneck3d
    stride = (plan.temporal_stride, plan.spatial_stride, plan.spatial_stride)
    blocks = [
        make_block(
            in_channels if index == 0 else plan.out_channels,
            plan.width,
            inflation=inflation,
            stride=stride if index == 0 else (1, 1, 1),
            dilation=plan.dilation,
            norm=norm,
        )
        for index, inflation in enumerate(plan.inflation)
    ]
    kind = non_local or NonLocal()
    looks = {
        block: NonLocal3d(plan.out_channels, mode=kind.mode, sub_sample=kind.sub_sample, use_scale=kind.use_scale)
        for block in plan.non_local
    }
    return Stage3d(blocks, looks)


def make_stages(
    in_channels: int,
    plans: Sequence[StagePlan],
    *,
    extra_channels: Sequence[int] | None = None,
    non_local: NonLocal | None = None,
    norm: NormFactory = nn.BatchNorm3d,
) -> nn.ModuleList:
    """The stages of a network, each fed by the one before it.

    Args:
        in_channels: Channels that the stem gives.
        plans: One for each stage.
        extra_channels: For each stage, channels that the family concatenates to its input (lateral connections).
        non_local: The kind of non-local block where the plans ask for one.
        norm: Norm of every convolution.
    """
    extra = extra_channels or (0,) * len(plans)
    before = (in_channels, *(plan.out_channels for plan in plans[:-1]))
    return nn.ModuleList(
        make_stage(channels + added, plan, non_local=non_local, norm=norm)
        for channels, added, plan in zip(before, extra, plans, strict=True)
    )
