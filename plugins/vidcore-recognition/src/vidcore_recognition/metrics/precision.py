"""Average precision for samples with several labels. Letters: N samples, K classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from vidcore.values import Prediction
from vidcore_recognition.metrics.scores import Scores, class_scores, known_labels, true_labels

if TYPE_CHECKING:
    from vidcore_recognition.metrics import config as configs


@frozen(eq=False)
class PrecisionRecall:
    """One point for each distinct score from the highest down, until every positive is found."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]  # ascending
    thresholds: NDArray[Any]  # descending; the point is what is scored at least this


def precision_recall(scores: NDArray[Any], positive: NDArray[np.bool_]) -> PrecisionRecall:
    """Precision and recall at every distinct score: equal scores are one threshold, not an order among themselves.

    Args:
        scores: One score an entry, `[N]`.
        positive: Which entries should score high, `[N]`, at least one.
    """
    order = np.argsort(-scores, kind="stable")
    scores, positive = scores[order], positive[order]
    last_of_equals = np.flatnonzero(np.append(np.diff(scores) != 0, True))
    found = np.cumsum(positive)[last_of_equals]
    until_all_found = slice(0, int(np.searchsorted(found, found[-1])) + 1)
    precision, recall = found / (last_of_equals + 1), found / found[-1]
    return PrecisionRecall(precision[until_all_found], recall[until_all_found], scores[last_of_equals][until_all_found])


def average_precision(scores: NDArray[Any], positive: NDArray[np.bool_]) -> float:
    """The area under the precision-recall steps, without interpolation; nan when nothing is positive."""
    if not positive.any():
        return float("nan")
    curve = precision_recall(scores, positive)
    return float(np.sum(np.diff(curve.recall, prepend=0.0) * curve.precision))


class _MultiLabel:
    """Scores and labels of all samples so far, and which labels are known."""

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self._scores: list[Scores] = []
        self._labels: list[NDArray[np.bool_]] = []
        self._known: list[NDArray[np.bool_]] = []

    def update(self, prediction: Prediction, target: dict[str, Any]) -> None:
        self._scores.append(class_scores(prediction, len(self.classes)))
        self._labels.append(true_labels(prediction, target, len(self.classes)))
        self._known.append(known_labels(target, len(self.classes)))

    def _rows(self) -> tuple[Scores, NDArray[np.bool_], NDArray[np.bool_]]:
        shape = (-1, len(self.classes))
        scores = np.array(self._scores, np.float32).reshape(shape)
        return scores, np.array(self._labels, bool).reshape(shape), np.array(self._known, bool).reshape(shape)


class MeanAveragePrecision(_MultiLabel):
    """Average precision of each class over all samples, averaged over classes that have one."""

    def __init__(self, config: configs.MeanAveragePrecision, classes: Sequence[str]) -> None:
        super().__init__(classes)
        self.config = config

    def per_class(self) -> dict[str, float]:
        """Average precision of each class; nan for a class that no sample has."""
        scores, labels, known = self._rows()
        columns = zip(self.classes, scores.T, labels.T, known.T, strict=True)
        return {name: average_precision(column[of], positive[of]) for name, column, positive, of in columns}

    def compute(self) -> dict[str, float]:
        each = self.per_class()
        figures = {"map": _mean([value for value in each.values() if not np.isnan(value)])}
        return figures | ({f"ap/{name}": value for name, value in each.items()} if self.config.per_class else {})


class PerSampleMap(_MultiLabel):
    """Average precision of each sample over all classes, averaged over samples."""

    def __init__(self, config: configs.PerSampleMap, classes: Sequence[str]) -> None:
        super().__init__(classes)
        self.config = config

    def compute(self) -> dict[str, float]:
        rows = zip(*self._rows(), strict=True)
        values = [average_precision(row[known], positive[known]) for row, positive, known in rows]
        if self.config.unlabelled == "skip":
            values = [value for value in values if not np.isnan(value)]
        return {"per_sample_map": _mean(values)}


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
