"""Views of one sample: how the model's answers for them become one answer.

Letters: V views of a sample, K classes.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor

Merge = Literal["prob", "score", "none"]


def class_probabilities(logits: Tensor, multi_label: bool) -> Tensor:
    """Softmax over classes, or a sigmoid for each class on its own where a sample has several."""
    return logits.sigmoid() if multi_label else logits.softmax(dim=-1)


def merge_views(logits: Tensor, merge: Merge, multi_label: bool = False) -> Tensor:
    """Scores of one sample from the logits of its views.

    Args:
        logits: One row a view, float32 `[V, K]`.
        merge: "prob": the mean of the views' probabilities. "score": probabilities of the mean logits. "none": the
            probabilities of every view.
        multi_label: Classes do not exclude each other.

    Returns:
        Scores `[K]`, or `[V, K]` for "none".
    """
    if merge == "score":
        return class_probabilities(logits.mean(dim=0), multi_label)
    probabilities = class_probabilities(logits, multi_label)
    return probabilities.mean(dim=0) if merge == "prob" else probabilities
