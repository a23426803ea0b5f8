"""What curves and maps should say of true segments, on the device of the model.

Letters: G truths, P candidates, T bins of a video.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vidcore_localization.segments import bins


def anchors_of(count: int, like: Tensor, lead: float = 0.0, tail: float = 1.0) -> Tensor:
    """`vidcore_localization.segments.bins` on the device of a tensor, `[T, 2]`."""
    return torch.tensor(bins(count, lead, tail), dtype=torch.float32, device=like.device)


def best_iou(truths: Tensor, candidates: Tensor) -> Tensor:
    """IoU of each candidate with the truth that it fits best, `[P]`; 0 without truths."""
    if not len(truths):
        return candidates.new_zeros(len(candidates))
    shared = _shared(truths[:, None], candidates)
    return (shared / (_length(truths)[:, None] + _length(candidates) - shared)).amax(dim=0)


def most_covered(anchors: Tensor, windows: Tensor) -> Tensor:
    """The largest share of each anchor that one of the windows covers, `[T]`; 0 without windows."""
    if not len(windows):
        return anchors.new_zeros(len(anchors))
    return (_shared(windows[:, None], anchors) / _length(anchors)).amax(dim=0)


def boundary_targets(boundaries: Tensor, widths: Tensor, anchors: Tensor) -> Tensor:
    """How much of each anchor lies near a boundary, `[T]`, 0 ... 1: the largest share over all boundaries.

    Args:
        boundaries: Starts, or ends, `[G]`.
        widths: Of the window around each that counts as near, `[G]`.
        anchors: `[T, 2]`.
    """
    return most_covered(anchors, torch.stack([boundaries - widths / 2, boundaries + widths / 2], dim=-1))


def _shared(first: Tensor, second: Tensor) -> Tensor:
    lower, upper = torch.maximum(first[..., 0], second[..., 0]), torch.minimum(first[..., 1], second[..., 1])
    return (upper - lower).clamp(min=0)


def _length(segments: Tensor) -> Tensor:
    return segments[..., 1] - segments[..., 0]
