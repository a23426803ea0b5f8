"""Views of one sample: how the model's answers for them become one answer. Letters: V views of a sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor

Merge = Literal["prob", "score", "none"]


def merge_views(outputs: Tensor, merge: Merge, probabilities: Callable[[Tensor], Tensor]) -> Tensor:
    """The answer for one sample from the model's outputs for its views.

    Args:
        outputs: One row a view, float32 `[V, ...]`.
        merge: "prob": the mean of the views' probabilities. "score": probabilities of the mean output. "none": the
            probabilities of every view.
        probabilities: Of outputs with or without the dimension of views, such as a softmax over the last dimension.

    Returns:
        `[...]`, or `[V, ...]` for "none".
    """
    if merge == "score":
        return probabilities(outputs.mean(dim=0))
    merged = probabilities(outputs)
    return merged.mean(dim=0) if merge == "prob" else merged
