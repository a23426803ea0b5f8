"""Tubes: a box in each frame of a stretch of video, who does what and when. Numpy only.

Letters: L frames of a tube, N boxes. Boxes are x1, y1, x2, y2 in pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

Numbers = NDArray[Any]


@frozen(eq=False)
class Tube:
    """Boxes of one person in frames that ascend."""

    video: str
    frames: Numbers  # int [L]
    boxes: Numbers  # [L, 4]
    score: float = 1.0

    @property
    def span(self) -> tuple[int, int]:
        """First and last frame."""
        return int(self.frames[0]), int(self.frames[-1])


def tube_iou(first: Tube, second: Tube) -> float:
    """Overlap in time multiplied with that in space.

    Source: the video mAP of Kalogeiton et al., arXiv:1705.01861.
    """
    return temporal_iou(first.span, second.span) * spatial_iou(first, second)


def temporal_iou(first: tuple[int, int], second: tuple[int, int]) -> float:
    """Intersection over union of two stretches, each as long as its last frame minus its first one."""
    shared = min(first[1], second[1]) - max(first[0], second[0])
    union = max(first[1], second[1]) - min(first[0], second[0])
    if shared < 0 or (first[1] < second[0] or second[1] < first[0]):
        return 0.0
    return shared / union if union else 1.0


def spatial_iou(first: Tube, second: Tube) -> float:
    """The mean of the overlaps of boxes in frames that both have; 0 where there is none."""
    _, mine, others = np.intersect1d(first.frames, second.frames, assume_unique=True, return_indices=True)
    if not len(mine):
        return 0.0
    return float(paired_iou(first.boxes[mine], second.boxes[others]).mean())


def paired_iou(first: Numbers, second: Numbers) -> Numbers:
    """Intersection over union, box by box. Shapes are broadcast: `[N, 4]` and `[4]` answer `[N]`."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    corner = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    shared = np.maximum(corner, 0).prod(axis=-1)
    areas = sum((boxes[..., 2:] - boxes[..., :2]).prod(axis=-1) for boxes in (first, second))
    union = areas - shared
    overlaps: Numbers = np.divide(shared, union, out=np.zeros_like(union), where=union > 0)
    return overlaps
