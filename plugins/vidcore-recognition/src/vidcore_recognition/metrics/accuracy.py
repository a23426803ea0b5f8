"""Top-k accuracy. Letters: N samples, K classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vidcore.values import Prediction
from vidcore_recognition.metrics.scores import class_scores, true_class

if TYPE_CHECKING:
    from vidcore_recognition.metrics import config as configs


def ranks(scores: NDArray[np.floating[Any]], labels: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """How many classes come before the true one in each row: 0 when it is first.

    Of equal scores the lower class comes first, as with argmax. A score that is not a number comes after all others,
    so that a model that answers only nan is never right by accident.

    Args:
        scores: One row a sample, `[N, K]`.
        labels: The true class of each, `[N]`.
    """
    scores = np.where(np.isnan(scores), -np.inf, scores)
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    earlier = np.arange(scores.shape[1]) < labels[:, None]
    before = (scores > own) | ((scores == own) & earlier) | np.isneginf(own)
    return np.asarray(before.sum(axis=1))


def top_k_accuracy(scores: NDArray[np.floating[Any]], labels: NDArray[np.integer[Any]], k: int) -> float:
    """The share of rows whose true class is among the k highest; 1.0 where k is no less than the number of classes."""
    if k >= scores.shape[1]:
        return 1.0
    return float((ranks(scores, labels) < k).mean())


class Accuracy:
    """Gathers predictions for top-k accuracies."""

    def __init__(self, config: configs.Accuracy, classes: Sequence[str]) -> None:
        self.config = config
        self._num_classes = len(classes)
        self._ranks: list[int] = []

    def update(self, prediction: Prediction, target: dict[str, Any]) -> None:
        scores = class_scores(prediction, self._num_classes)
        label = true_class(prediction, target, self._num_classes)
        self._ranks.append(int(ranks(scores[None], np.array([label]))[0]))

    def compute(self) -> dict[str, float]:
        found = np.array(self._ranks)
        hits = {k: (found < k) | (k >= self._num_classes) for k in self.config.top_k}
        return {f"top{k}": float(hit.mean()) if len(hit) else float("nan") for k, hit in hits.items()}
