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
    """A 1x1 convolution over the map with the actor at each of its places.

    Args:
        options: How many channels come out.
        region_channels: A.
        map_channels: C.
    """

    def __init__(self, options: fusion_config.ActorRelation, region_channels: int, map_channels: int) -> None:
        super().__init__()
        self.out_channels = options.channels or map_channels
        self.conv = nn.Conv2d(region_channels + map_channels, self.out_channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(self.out_channels)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

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
        return F.relu(self.norm(self.conv(torch.cat([actor, scene], dim=1))), inplace=True)
