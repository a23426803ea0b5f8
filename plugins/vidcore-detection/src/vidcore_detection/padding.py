"""Clips of unequal frames in one batch. Letters: V views, C channels, T frames, H W pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor


def common_size(clips: Sequence[Tensor], divisor: int) -> tuple[int, int]:
    """The largest height and the largest width, rounded up to multiples of `divisor`."""
    height, width = (max(clip.shape[dim] for clip in clips) for dim in (-2, -1))
    return -(-height // divisor) * divisor, -(-width // divisor) * divisor


def pad_to(clip: Tensor, size: tuple[int, int]) -> Tensor:
    """Black below and on the right, up to height, width: what stands at a pixel stays there. `[V, C, T, H, W]`."""
    below, right = size[0] - clip.shape[-2], size[1] - clip.shape[-1]
    return F.pad(clip, (0, right, 0, below)) if below or right else clip
