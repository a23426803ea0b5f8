"""ResNet for sound: the stem and the early stages look along time and along frequency apart.

Paper: the audio pathway of Xiao et al., Audiovisual SlowFast Networks, arXiv:2001.08740.
Letters: N batch, C channels, T steps in time, F frequencies, K classes.
Route: ConvNorm and CrossConv are the parts; Bottleneck; then the network.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidcore_audio import model_config
from vidcore_resnet.head import Classifier
from vidcore_resnet.plans import DEPTHS, EXPANSION


class ConvNorm(nn.Module):
    """A convolution that keeps its size at stride 1, then a norm, no activation."""

    def __init__(self, in_channels: int, out_channels: int, kernel: tuple[int, int], stride: int, dilation: int = 1):
        super().__init__()
        padding = (kernel[0] // 2 * dilation, kernel[1] // 2 * dilation)
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding, dilation, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.conv(x))
        return out


class CrossConv(nn.Module):
    """One branch along time, one along frequency, each with norm and ReLU.

    Args:
        in_channels: Channels that come in.
        out_channels: Channels of each branch.
        kernel: Length of both.
        stride: Of both, in both directions.
        dilation: Of both.
        join: "sum" the branches, or "concat" them to twice the channels.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, stride: int, dilation: int = 1, *, join: str
    ) -> None:
        super().__init__()
        self.join = join
        self.along_time = ConvNorm(in_channels, out_channels, (kernel, 1), stride, dilation)
        self.along_frequency = ConvNorm(in_channels, out_channels, (1, kernel), stride, dilation)

    def forward(self, x: Tensor) -> Tensor:
        time, frequency = F.relu(self.along_time(x)), F.relu(self.along_frequency(x))
        return time + frequency if self.join == "sum" else torch.cat([time, frequency], dim=1)


class Bottleneck(nn.Module):
    """1x1, then 3x3 or its two factors, then 1x1, beside a shortcut. The middle has no norm and no ReLU of its own."""

    def __init__(self, in_channels: int, width: int, stride: int, dilation: int, factorize: bool) -> None:
        super().__init__()
        out_channels = width * EXPANSION["bottleneck"]
        self.conv1 = ConvNorm(in_channels, width, (1, 1), 1)
        self.conv2 = (
            CrossConv(width, width, 3, stride, dilation, join="concat")
            if factorize
            else nn.Conv2d(width, width, 3, stride, dilation, dilation, bias=False)
        )
        self.conv3 = ConvNorm(width * 2 if factorize else width, out_channels, (1, 1), 1)
        same = in_channels == out_channels and stride == 1
        self.downsample = nn.Identity() if same else ConvNorm(in_channels, out_channels, (1, 1), stride)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.conv1(x), inplace=True)  # [N, width, T, F]
        out = self.conv2(out)  # [N, width or 2 width, T', F']
        out = self.conv3(out)
        return F.relu(out + self.downsample(x), inplace=True)


class AudioResNet(nn.Module):
    """ResNet over `audio [N, 1, T, F]`."""

    head_prefixes = ("head.",)

    def __init__(self, options: model_config.AudioResNet) -> None:
        super().__init__()
        channels = options.base_channels
        self.stem = CrossConv(options.in_channels, channels, options.stem_kernel, options.stem_stride, join="sum")
        self.stem_norm = nn.BatchNorm2d(channels)
        self.stages = nn.ModuleList()
        for stage, count in enumerate(options.stage_blocks or DEPTHS[options.depth][1]):
            width, dilation = options.base_channels * 2**stage, options.dilations[stage]
            blocks = nn.Sequential()
            for index in range(count):
                stride = 1 if index else options.strides[stage]
                blocks.append(Bottleneck(channels, width, stride, dilation, options.factorize[stage]))
                channels = width * EXPANSION["bottleneck"]
            self.stages.append(blocks)
        self._init_weights(options.zero_init_residual)
        self.head = Classifier(channels, options.num_classes, dropout=options.dropout, init_std=options.init_std)

    def features(self, audio: Tensor) -> tuple[Tensor, ...]:
        """Maps of the four stages, the last `[N, C, T/8, F/8]`."""
        x = F.relu(self.stem_norm(self.stem(audio)), inplace=True)  # [N, C, T, F]
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps)

    def forward(self, audio: Tensor) -> Tensor:
        pooled = self.features(audio)[-1].mean(dim=(2, 3))  # [N, C]
        logits: Tensor = self.head(pooled)
        return logits  # [N, K]

    def blocks(self) -> list[nn.Module]:
        """Residual blocks in order: units to compile, shard or checkpoint."""
        return [module for module in self.modules() if isinstance(module, Bottleneck)]

    def _init_weights(self, zero_init_residual: bool) -> None:
        """He initialisation; with `zero_init_residual` each block starts as its shortcut."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        for block in self.blocks() if zero_init_residual else ():
            assert isinstance(block, Bottleneck)
            nn.init.zeros_(block.conv3.norm.weight)
