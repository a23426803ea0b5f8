"""Losses of curves and maps of probabilities, in which few entries are positive."""

from __future__ import annotations

import torch
from torch import Tensor

EPSILON = 1e-5


def balanced_logistic(
    probabilities: Tensor, target: Tensor, threshold: float = 0.5, ratio_range: tuple[float, float] = (1.05, 21.0)
) -> Tensor:
    """Binary logistic loss with positives and negatives weighted as if there were as many of both (Lin et al., BSN).

    Args:
        probabilities: After the sigmoid, any shape.
        target: The same shape; entries above `threshold` are positive.
        threshold: See above.
        ratio_range: Between which the number of entries for each positive is clamped, so that weights stay finite.
    """
    probabilities, target = probabilities.flatten(), target.flatten()
    positive = (target > threshold).to(probabilities.dtype)
    ratio = (len(target) / positive.sum().clamp(min=1)).clamp(*ratio_range)
    hit = 0.5 * ratio * positive * torch.log(probabilities + EPSILON)
    miss = 0.5 * ratio / (ratio - 1) * (1 - positive) * torch.log(1 - probabilities + EPSILON)
    return -(hit + miss).mean()


def balanced_weights(
    target: Tensor,
    valid: Tensor,
    draws: tuple[Tensor, Tensor],
    *,
    high: float,
    low: float,
    shares: tuple[float, float] = (1.0, 1.0),
    lowest: float | None = None,
    as_published: bool = False,
) -> Tensor:
    """1 for entries that count in a regression of IoU, so that high, medium and low ones are about as many.

    Every high entry counts; of medium and low ones as many are drawn as `shares` times the number of high ones.

    Args:
        target: IoU of each entry, any shape.
        valid: 1 where the entry is a candidate at all.
        draws: Uniform numbers for the choice of medium and of low entries, as target.
        high: IoU above which an entry is high.
        low: IoU up to which an entry is low.
        shares: Of medium and of low entries, for each high one.
        lowest: Low entries are above it; None: all that are not medium.
        as_published: Where more entries are wanted than there are, every entry of the map counts once more, as in the
            code that published figures come from; else all entries of the kind count.
    """
    is_high = (target > high) & (valid > 0)
    is_medium = (target > low) & (target <= high) & (valid > 0)
    is_low = (target <= low) & (valid > 0)
    if lowest is not None:
        is_low &= target > lowest
    weights = is_high.to(target.dtype)
    for kind, share, drawn in zip((is_medium, is_low), shares, draws, strict=True):
        wanted = share * is_high.sum() / kind.sum().clamp(min=1)
        chosen = kind * drawn > 1 - wanted
        weights = weights + (chosen if as_published else chosen & kind).to(target.dtype)
    return weights
