"""Average recall of proposals against their average number, as the ActivityNet challenge measures it.

Letters: G truths and P proposals of a video, S points of the curve, I IoU thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import frozen

from vidcore.values import Prediction
from vidcore_localization.metrics.config import ProposalRecall as ProposalRecallConfig
from vidcore_localization.segments import Array, pairwise_iou

POINTS = 100


@frozen(kw_only=True, eq=False)
class RecallCurve:
    """Recall by number of proposals."""

    recall: Array  # [I, S]
    proposals: Array  # average number for a video at each point, [S]

    @property
    def average(self) -> Array:
        """Over IoU thresholds, `[S]`."""
        result: Array = self.recall.mean(axis=0)
        return result

    @property
    def area(self) -> float:
        """Under the average curve, as a fraction. It begins at the first point: perfect proposals give 0.99."""
        heights = (self.average[1:] + self.average[:-1]) / 2
        return float(np.sum(heights * np.diff(self.proposals)) / self.proposals[-1])


def recall_curve(
    truths: Sequence[Array], proposals: Sequence[Array], iou: Sequence[float], max_average: float | None = None
) -> RecallCurve:
    """The curve over some videos.

    A video gives the same share of its proposals, best first, to each point. A truth may be found by any proposal, and
    one proposal may find several. IoU is compared in float32, as the figures of the challenge were.

    Args:
        truths: Of each video, `[G, 2]`.
        proposals: Of each video, `[P, 3]`: start, end, score.
        iou: Thresholds.
        max_average: Average number of proposals at the last point; None: as many as there are.
    """
    total = sum(map(len, proposals))
    largest = total / len(truths) if max_average is None else max_average
    share = largest * len(truths) / total if total else 0.0
    kept = [_best(rows, min(int(len(rows) * share), len(rows))) for rows in proposals]
    num_kept = sum(map(len, kept))
    shares = np.arange(1, POINTS + 1) / POINTS * (largest * len(truths) / num_kept if num_kept else 0.0)
    found = np.zeros((len(iou), POINTS))
    for segments, rows in zip(truths, kept, strict=True):
        counts = np.minimum((len(rows) * shares).astype(int), len(rows))
        rank = first_hit(segments, rows, iou)
        found += (rank[:, :, None] < counts).sum(axis=1)
    num_truths = sum(map(len, truths))
    return RecallCurve(recall=found / num_truths, proposals=shares * (num_kept / len(truths)))


def first_hit(truths: Array, proposals: Array, iou: Sequence[float]) -> Array:
    """How many proposals stand before the first that finds each truth, `[I, G]`; very many where none does."""
    if not len(proposals) or not len(truths):
        return np.full((len(iou), len(truths)), np.iinfo(np.int64).max)
    overlap = pairwise_iou(truths[:, :2].astype(np.float64), proposals[:, :2].astype(np.float64)).astype(np.float32)
    hits = overlap[None] >= np.asarray(iou)[:, None, None]  # [I, G, P]
    rank: Array = np.where(hits.any(axis=2), hits.argmax(axis=2), np.iinfo(np.int64).max)
    return rank


def _best(rows: Array, count: int) -> Array:
    return rows[np.argsort(rows[:, 2])[::-1][:count]]


class ProposalRecall:
    """See `vidcore_localization.metrics.config.ProposalRecall`. Videos without a true segment do not count."""

    def __init__(self, config: ProposalRecallConfig, classes: Sequence[str]) -> None:
        self._config = config
        self._truths: list[Array] = []
        self._proposals: list[Array] = []

    def update(self, prediction: Prediction, target: dict[str, Any]) -> None:
        """A video: `segments` `[P, 2]` and `scores` `[P]` predicted, `segments` `[G, 2]` true, in the same unit."""
        truths = np.asarray(target["segments"], dtype=np.float64).reshape(-1, 2)
        if not len(truths):
            return
        segments = np.asarray(prediction.outputs["segments"], dtype=np.float64).reshape(-1, 2)
        scores = np.asarray(prediction.outputs["scores"], dtype=np.float64).reshape(-1, 1)
        self._truths.append(truths)
        self._proposals.append(np.hstack([segments, scores]))

    def compute(self) -> dict[str, float]:
        """`AUC`, and `AR@N` for each N; not a number where no video has a true segment."""
        if not self._truths:
            return dict.fromkeys(("AUC", *(f"AR@{n}" for n in self._config.at)), math.nan)
        curve = recall_curve(self._truths, self._proposals, self._config.iou, self._config.max_average)
        at = {f"AR@{n}": float(np.interp(n, curve.proposals, curve.average)) for n in self._config.at}
        return {"AUC": curve.area, **at} if curve.proposals[-1] else dict.fromkeys(("AUC", *at), 0.0)
