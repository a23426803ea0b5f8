"""Whether probabilities mean what they say. Letters: N samples, K classes, B bins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from vidcore.values import Prediction
from vidcore_recognition.metrics.scores import Scores, class_scores, true_class

if TYPE_CHECKING:
    from vidcore_recognition.metrics import config as configs

_LEAST = 1e-12  # probability that a logarithm is taken of at least


@frozen(eq=False)
class Reliability:
    """The highest probability of each sample against how often it was right, by bins of equal width `[B]`."""

    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]  # mean in the bin; nan where it is empty
    accuracy: NDArray[np.float64]  # the same

    @property
    def expected_error(self) -> float:
        """Mean distance of confidence and accuracy over samples; nan without samples."""
        return float(np.nansum(self.counts * self._gaps) / self.counts.sum()) if self.counts.any() else float("nan")

    @property
    def largest_error(self) -> float:
        """The same in the worst bin."""
        return float(np.nanmax(self._gaps)) if self.counts.any() else float("nan")

    @property
    def _gaps(self) -> NDArray[np.float64]:
        return np.abs(self.confidence - self.accuracy)


def reliability(confidence: NDArray[Any], right: NDArray[np.bool_], bins: int) -> Reliability:
    """Samples by confidence, in bins that hold their upper bound.

    Args:
        confidence: Highest probability of each sample, `[N]`, 0 ... 1.
        right: Whether that class was the true one, `[N]`.
        bins: B.
    """
    edges = np.linspace(0.0, 1.0, bins + 1)[1:-1]
    places = np.searchsorted(edges, confidence, side="left")
    counts = np.bincount(places, minlength=bins)
    sums = (np.bincount(places, weights=one, minlength=bins) for one in (confidence, right))
    means = [np.divide(one, counts, out=np.full(bins, np.nan), where=counts > 0) for one in sums]
    return Reliability(counts.astype(np.int64), *means)


class Calibration:
    """Gathers probabilities: calibration error, likelihood and Brier score."""

    lower_is_better = ("calibration_error", "largest_calibration_error", "negative_log_likelihood", "brier")

    def __init__(self, config: configs.Calibration, classes: Sequence[str]) -> None:
        self.config = config
        self._num_classes = len(classes)
        self._scores: list[Scores] = []
        self._true: list[int] = []

    def update(self, prediction: Prediction, target: dict[str, Any]) -> None:
        self._scores.append(np.nan_to_num(class_scores(prediction, self._num_classes), neginf=0.0))
        self._true.append(true_class(prediction, target, self._num_classes))

    def reliability(self) -> Reliability:
        """What a picture of it shows."""
        scores = self._rows()
        right = scores.argmax(axis=1) == np.array(self._true, np.int64)
        return reliability(scores.max(axis=1), right, self.config.bins)

    def compute(self) -> dict[str, float]:
        if not self._true:
            return dict.fromkeys(self.lower_is_better, float("nan"))
        scores, curve = self._rows(), self.reliability()
        own = scores[np.arange(len(scores)), self._true]
        likelihood = -np.log(np.maximum(own, _LEAST)).mean()
        brier = ((scores**2).sum(axis=1) - 2 * own + 1).mean()
        values = (curve.expected_error, curve.largest_error, float(likelihood), float(brier))
        return dict(zip(self.lower_is_better, values, strict=True))

    def _rows(self) -> NDArray[np.float64]:
        return np.array(self._scores, np.float64).reshape(-1, self._num_classes)
