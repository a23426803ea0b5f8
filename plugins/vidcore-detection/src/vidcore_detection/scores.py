"""Recall and precision of multi-label scores, row by row. Letters: R regions, K classes."""

from __future__ import annotations

import torch
from torch import Tensor

_EPSILON = 1e-6  # of the denominator of precision, where nothing is predicted


def top_k_matrix(probabilities: Tensor, k: int) -> Tensor:
    """True at the k highest entries of each row, bool `[R, K]`."""
    best = probabilities.topk(min(k, probabilities.shape[1]), dim=1).indices
    return torch.zeros_like(probabilities, dtype=torch.bool).scatter_(1, best, True)


def recall_precision(predicted: Tensor, truth: Tensor, rows: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Recall and precision of each row, averaged over rows.

    Args:
        predicted: bool `[R, K]`.
        truth: bool `[R, K]`; each row that counts has at least one.
        rows: bool `[R]`: which rows count; None: all.
    """
    hits = (predicted & truth).sum(dim=1).float()
    recall = hits / truth.sum(dim=1).clamp_min(1)
    precision = hits / (predicted.sum(dim=1) + _EPSILON)
    if rows is None:
        return recall.mean(), precision.mean()
    count = rows.sum().clamp_min(1)
    return (recall * rows).sum() / count, (precision * rows).sum() / count
