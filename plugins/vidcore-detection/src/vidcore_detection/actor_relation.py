"""What an actor does depends on what else is there: actor and every place of the frame, side by side.

Paper: Sun et al., Actor-Centric Relation Network, ECCV 2018, arXiv:1807.10982.
Letters: N clips, R boxes of all clips, C channels of the map, A of a box, S cells a side of a box, H W of the map.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidcore_detection import fusion_config


class ActorRelation(nn.Module):
    """A 1x1 convolution over the map with the actor at each of its places, then 3x3 ones over these relations.

    Args:
        options: How many channels come out, and how many 3x3 convolutions there are.
        region_channels: A.
        map_channels: C.
    """

    def __init__(self, options: fusion_config.ActorRelation, region_channels: int, map_channels: int) -> None:
        super().__init__()
        self.out_channels = options.channels or map_channels
        self.relate = _NormedConv(region_channels + map_channels, self.out_channels, kernel=1)
        self.spread = nn.Sequential(
            *(_NormedConv(self.out_channels, self.out_channels, kernel=3) for _ in range(options.convolutions))
        )

    def forward(self, regions: Tensor, flat: Tensor, clips: Tensor, bank: Tensor | None = None) -> Tensor:
        """Relations of each actor.

        Args:
            regions: What was pooled in boxes, `[R, A, S, S]`.
            flat: The map without time, `[N, C, H, W]`.
            clips: Which clip each box belongs to, `[R]`.
            bank: Not used.

        Returns:
            `[R, out_channels, H, W]`.
        """
        actor = regions.amax(dim=(2, 3), keepdim=True).expand(-1, -1, *flat.shape[2:])  # [R, A, H, W]
        scene = flat.float()[clips]  # [R, C, H, W]
        relations = self.relate(torch.cat([actor, scene], dim=1))  # [R, out_channels, H, W]
        spread: Tensor = self.spread(relations)  # [R, out_channels, H, W]
        return spread


class _NormedConv(nn.Module):
    """Convolution that keeps the size, norm and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, *, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)), inplace=True)
