"""An image ResNet over the spectrogram of a sound.

It takes a spectrogram for a picture of one channel. Clips of a sound are classified each on its own and merged by the
task, as segments of a video are (Wang et al., TSN, ECCV 2016, arXiv:1608.00859).
Letters: N batch, C channels, T steps in time, F frequencies, K classes.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from vidcore_audio import model_config
from vidcore_resnet.blocks2d import ResNet2d, Stage2d
from vidcore_resnet.head import Classifier
from vidcore_resnet.init import init_resnet


class AudioTsn(nn.Module):
    """2D ResNet over `audio [N, 1, T, F]`."""

    head_prefixes = ("head.",)

    def __init__(self, options: model_config.AudioTsn) -> None:
        super().__init__()
        self.trunk = ResNet2d(options.depth, in_channels=options.in_channels, base_channels=options.base_channels)
        init_resnet(self.trunk, zero_init_residual=options.zero_init_residual)
        self.head = Classifier(
            self.trunk.out_channels, options.num_classes, dropout=options.dropout, init_std=options.init_std
        )

    def features(self, audio: Tensor) -> tuple[Tensor, ...]:
        """Maps of the four stages, the last `[N, C, T/32, F/32]`."""
        maps: tuple[Tensor, ...] = self.trunk(audio)
        return maps

    def forward(self, audio: Tensor) -> Tensor:
        pooled = self.features(audio)[-1].mean(dim=(2, 3))  # [N, C]
        logits: Tensor = self.head(pooled)
        return logits  # [N, K]

    def blocks(self) -> list[nn.Module]:
        """Residual blocks in order: units to compile, shard or checkpoint."""
        return [block for stage in self.trunk.stages for block in cast(Stage2d, stage).blocks]
