"""Mixup and cutmix: one training sample blended into another, targets alike.

Papers: mixup, Zhang et al., arXiv:1710.09412; CutMix, Yun et al., arXiv:1905.04899.
Letters: N samples, K classes, T frames, H W pixels; `lam` is the share of a sample that stays its own.
"""

from __future__ import annotations

import numpy as np
import torch
from attrs import frozen
from torch import Tensor

from vidcore_recognition.config import Mix

Box = tuple[int, int, int, int]  # x1, y1, x2, y2 in pixels, x2 and y2 excluded


@frozen
class MixDraw:
    """What was drawn for one batch: who is blended into whom, how, and how much."""

    permutation: list[int]  # sample i receives from sample permutation[i]
    lam: float
    centre: tuple[float, float] | None = None  # x, y of the rectangle as fractions of the frame; None: mixup


def draw_mix(config: Mix, num_samples: int, rng: np.random.Generator) -> MixDraw | None:
    """Draw for a batch; None: leave it as it is. The same draws are taken whatever comes out."""
    chance, which, x, y = rng.random(4)
    permutation = [int(i) for i in rng.permutation(num_samples)]
    if chance >= config.probability or num_samples < 2:
        return None
    cut = config.cutmix > 0 and (config.mixup == 0 or which < config.cutmix_share)
    alpha = config.cutmix if cut else config.mixup
    return MixDraw(permutation, float(rng.beta(alpha, alpha)), (float(x), float(y)) if cut else None)


def cut_box(width: int, height: int, lam: float, centre: tuple[int, int]) -> Box:
    """The rectangle of about a share `1 - lam` of the frame around a pixel, clipped to the frame.

    Half its sides are whole pixels, so it covers a little less than its share even before it is clipped: the share
    that truly stays is `lam_of(box)`.
    """
    shrink = np.sqrt(np.float32(1) - np.float32(lam))  # in float32 a side that is whole comes out whole
    half_width, half_height = int(width * shrink) // 2, int(height * shrink) // 2
    x, y = centre
    return max(x - half_width, 0), max(y - half_height, 0), min(x + half_width, width), min(y + half_height, height)


def lam_of(box: Box, width: int, height: int) -> float:
    """The share of a frame outside the box."""
    x1, y1, x2, y2 = box
    return 1.0 - (x2 - x1) * (y2 - y1) / (width * height)


def mixup(values: Tensor, permutation: Tensor, lam: float) -> Tensor:
    """`lam` of each row plus the rest of another: pixels `[N, ...]` or targets `[N, K]`."""
    return values * lam + values[permutation] * (1.0 - lam)


def cutmix(pixels: Tensor, permutation: Tensor, box: Box) -> Tensor:
    """Each row with the rectangle of another in its place, in all channels and frames: `[N, ..., H, W]`."""
    x1, y1, x2, y2 = box
    mixed = pixels.clone()
    mixed[..., y1:y2, x1:x2] = pixels[permutation][..., y1:y2, x1:x2]
    return mixed


def apply_mix(draw: MixDraw, pixels: Tensor, soft_labels: Tensor) -> tuple[Tensor, Tensor]:
    """Pixels `[N, ..., H, W]` and targets `[N, K]`, blended as drawn."""
    permutation = torch.tensor(draw.permutation, device=pixels.device)
    if draw.centre is None:
        return mixup(pixels, permutation, draw.lam), mixup(soft_labels, permutation, draw.lam)
    height, width = pixels.shape[-2:]
    box = cut_box(width, height, draw.lam, (int(draw.centre[0] * width), int(draw.centre[1] * height)))
    return cutmix(pixels, permutation, box), mixup(soft_labels, permutation, lam_of(box, width, height))
