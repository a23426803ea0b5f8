"""A frame-wise ResNet: what single frames give away, without any motion.

The classifier sees each frame alone; the logits of the frames are averaged (Wang et al., TSN, ECCV 2016,
arXiv:1608.00859, with a plain clip as segments). A video model that does not beat it has learnt no motion.
Letters: N batch, C channels, T frames, H W pixels, K classes.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from vidcore_resnet import config
from vidcore_resnet.blocks2d import ResNet2d, Stage2d
from vidcore_resnet.head import Classifier
from vidcore_resnet.init import init_resnet


class FrameResNet(nn.Module):
    """2D ResNet over every frame of `video [N, C, T, H, W]`."""

    def __init__(self, options: config.ResNet2D) -> None:
        super().__init__()
        self.consensus = options.consensus
        self.trunk = ResNet2d(options.depth, in_channels=options.in_channels, base_channels=options.base_channels)
        init_resnet(self.trunk, zero_init_residual=options.zero_init_residual)
        self.head = Classifier(
            self.trunk.out_channels, options.num_classes, dropout=options.dropout, init_std=options.init_std
        )

    def features(self, video: Tensor) -> tuple[Tensor, ...]:
        """Maps of the four stages, each `[N, C', T, H', W']`."""
        images = video.transpose(1, 2).flatten(0, 1)  # [N*T, C, H, W]
        return tuple(x.unflatten(0, (-1, video.shape[2])).transpose(1, 2) for x in self.trunk(images))

    def forward(self, video: Tensor) -> Tensor:
        pooled = self.features(video)[-1].mean(dim=(3, 4))  # [N, C', T]
        logits: Tensor = self.head(pooled.transpose(1, 2))  # [N, T, K]
        return logits.mean(dim=1) if self.consensus == "avg" else logits.amax(dim=1)  # [N, K]

    def blocks(self) -> list[nn.Module]:
        """Residual blocks in order: units to compile, shard or checkpoint."""
        return [block for stage in self.trunk.stages for block in cast(Stage2d, stage).blocks]
