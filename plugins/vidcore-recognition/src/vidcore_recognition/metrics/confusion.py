"""Confusion matrices, and the figures read from them.

A matrix has the true classes as rows and the predicted ones as columns. Letters: N samples, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vidcore.values import Prediction
from vidcore_recognition.metrics.scores import class_scores, true_class

if TYPE_CHECKING:
    from vidcore_recognition.metrics import config as configs

Matrix = NDArray[np.int64]
Normalize = Literal["true", "pred", "all"]
NORMALIZE: tuple[Normalize, ...] = ("true", "pred", "all")


def confusion_matrix(predicted: ArrayLike, true: ArrayLike, num_classes: int | None = None) -> Matrix:
    """How often each true class (row) was taken for each class (column).

    Args:
        predicted: Class of each sample, integers `[N]`.
        true: Class of each sample, integers `[N]`.
        num_classes: Rows and columns of the matrix. None: only classes that occur in either list, ascending.

    Raises:
        TypeError: The lists are not integers.
        ValueError: The lists differ in length, or a class is outside 0 ... num_classes - 1.
    """
    columns, rows = _integers(predicted, "predicted"), _integers(true, "true")
    if columns.shape != rows.shape:
        raise ValueError(f"{len(columns)} predicted classes do not go with {len(rows)} true ones")
    if num_classes is None:
        occurring, codes = np.unique(np.concatenate([rows, columns]), return_inverse=True)
        rows, columns, num_classes = codes[: len(rows)], codes[len(rows) :], len(occurring)
    elif len(rows) and (min(rows.min(), columns.min()) < 0 or max(rows.max(), columns.max()) >= num_classes):
        raise ValueError(
            f"classes must be 0 ... {num_classes - 1}; found {sorted({*rows.tolist(), *columns.tolist()})}"
        )
    counts = np.bincount(rows * num_classes + columns, minlength=num_classes * num_classes)
    return counts.reshape(num_classes, num_classes).astype(np.int64)


def normalized(matrix: Matrix, by: Normalize) -> NDArray[np.float64]:
    """The matrix as fractions of each true class, of each predicted class, or of all samples; 0 where nothing is.

    Raises:
        ValueError: `by` is none of these.
    """
    if by not in NORMALIZE:
        raise ValueError(f"a confusion matrix is normalized by one of {', '.join(NORMALIZE)}; got {by!r}")
    totals = matrix.sum(axis={"true": 1, "pred": 0, "all": None}[by], keepdims=True)
    return np.asarray(np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0))


def class_accuracies(matrix: Matrix) -> NDArray[np.float64]:
    """The share of each class's samples that were recognised, `[K]`; nan for a class without samples."""
    return _ratio(np.diagonal(matrix), matrix.sum(axis=1))


def mean_class_accuracy(matrix: Matrix, over: Literal["true", "true-or-predicted"] = "true") -> float:
    """Accuracy within each class, averaged over classes; `over` says which, as in the metric's config."""
    accuracies = class_accuracies(matrix)
    if over == "true-or-predicted":
        accuracies = np.where(matrix.sum(axis=0) > 0, np.nan_to_num(accuracies), accuracies)
    present = accuracies[~np.isnan(accuracies)]
    return float(present.mean()) if len(present) else float("nan")


class MeanClassAccuracy:
    """Gathers predictions for the mean accuracy within a class."""

    def __init__(self, config: configs.MeanClassAccuracy, classes: Sequence[str]) -> None:
        self.config = config
        self._counts = np.zeros((len(classes), len(classes)), np.int64)

    def update(self, prediction: Prediction, target: dict[str, Any]) -> None:
        _count(self._counts, prediction, target)

    def compute(self) -> dict[str, float]:
        return {"mean_class_accuracy": mean_class_accuracy(self._counts, self.config.over)}


class Confusion:
    """Gathers predictions into a confusion matrix."""

    def __init__(self, config: configs.Confusion, classes: Sequence[str]) -> None:
        self.config = config
        self.classes = tuple(classes)
        self._counts = np.zeros((len(classes), len(classes)), np.int64)

    def update(self, prediction: Prediction, target: dict[str, Any]) -> None:
        _count(self._counts, prediction, target)

    def matrix(self) -> Matrix:
        """Counts `[K, K]`: rows are true classes, columns predicted ones."""
        return self._counts.copy()

    def compute(self) -> dict[str, float]:
        accuracies = class_accuracies(self._counts)
        present = accuracies[~np.isnan(accuracies)]
        figures = {"worst_class_accuracy": float(present.min()) if len(present) else float("nan")}
        if self.config.per_class:
            figures |= {f"accuracy/{name}": float(value) for name, value in zip(self.classes, accuracies, strict=True)}
        return figures


def _count(counts: Matrix, prediction: Prediction, target: dict[str, Any]) -> None:
    scores, true = class_scores(prediction, len(counts)), true_class(prediction, target, len(counts))
    predicted = int(scores.argmax())
    if np.isneginf(scores[predicted]):
        predicted = (true + 1) % len(counts)  # only nan: wrong, never right by accident
    counts[true, predicted] += 1


def _integers(classes: ArrayLike, name: str) -> Matrix:
    array = np.asarray(classes)
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise TypeError(f"{name} classes must be integers; got {array.dtype}")
    return array.astype(np.int64).ravel()


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0))
