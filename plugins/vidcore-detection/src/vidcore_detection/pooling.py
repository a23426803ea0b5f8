"""Maps of clips to a small map for each box.

Paper: He et al., Mask R-CNN, ICCV 2017, arXiv:1703.06870, section 3 (RoIAlign); Feichtenhofer et al., SlowFast, ICCV
2019, arXiv:1812.03982, section 5 (boxes of a key frame, extended over time).
Letters: N clips, R boxes of all clips, C channels, T frames, H W cells, S cells a side of a box.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import roi_align

from vidcore_detection.model_config import Pool


def pool_time(x: Tensor, how: Pool) -> Tensor:
    """`[N, C, T, H, W]` to `[N, C, H, W]`."""
    return x.mean(dim=2) if how == "avg" else x.amax(dim=2)


def pool_space(x: Tensor, how: Pool) -> Tensor:
    """`[R, C, S, S]` to `[R, C]`."""
    return x.mean(dim=(2, 3)) if how == "avg" else x.amax(dim=(2, 3))


def flat_map(maps: Sequence[Tensor], how: Pool) -> Tensor:
    """Maps `[N, C_i, T_i, H, W]`, each pooled over its own time, side by side: `[N, sum of C_i, H, W]`."""
    return torch.cat([pool_time(x, how) for x in maps], dim=1)


def clip_of_box(boxes: Sequence[Tensor]) -> Tensor:
    """Which clip each box belongs to, `[R]`."""
    return torch.cat([box.new_full((len(box),), i, dtype=torch.long) for i, box in enumerate(boxes)])


def pool_regions(x: Tensor, boxes: Sequence[Tensor], *, stride: float, size: int, sampling_ratio: int = 0) -> Tensor:
    """What a map shows in boxes.

    Args:
        x: Map, `[N, C, H, W]`.
        boxes: For each clip, pixels, `[R_n, 4]`.
        stride: Pixels from one cell of the map to the next.
        size: S.
        sampling_ratio: Points a side of each cell; 0: as many as cells of the map that it covers.

    Returns:
        `[R, C, S, S]`, float32.
    """
    pooled: Tensor = roi_align(
        x.float(),
        [box.float() for box in boxes],
        output_size=size,
        spatial_scale=1 / stride,
        sampling_ratio=sampling_ratio or -1,
        aligned=True,
    )
    return pooled


def pool_whole(x: Tensor, clips: Tensor, size: int) -> Tensor:
    """What the whole map shows, once for each box: `[R, C, S, S]`."""
    return F.adaptive_avg_pool2d(x.float(), size)[clips]
