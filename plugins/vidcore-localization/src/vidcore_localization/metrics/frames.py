"""Metrics of temporal segmentation, where every frame has a label (Lea et al., arXiv:1611.05267).

Letters: T frames.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from attrs import frozen

from vidcore.errors import ConfigError, DataError
from vidcore.values import Prediction
from vidcore.wording import nearest
from vidcore_localization.metrics.config import FrameLabels as FrameLabelsConfig
from vidcore_localization.segments import Array, iou


@frozen
class Run:
    """Frames of one label, one after the other: `start` is the first, `end` the one after the last."""

    label: int
    start: int
    end: int


def runs(labels: Array, without: Collection[int] = ()) -> list[Run]:
    """The runs of equal labels in a video `[T]`, in order, but for those of some labels."""
    edges = [0, *(np.flatnonzero(labels[1:] != labels[:-1]) + 1).tolist(), len(labels)]
    found = [Run(int(labels[start]), start, end) for start, end in itertools.pairwise(edges) if end > start]
    return [run for run in found if run.label not in without]


def edit_score(predicted: Sequence[Run], truth: Sequence[Run]) -> float:
    """1 less the Levenshtein distance of the two orders of labels, by the longer one; 1 where both are empty."""
    row = list(range(len(truth) + 1))
    for i, run in enumerate(predicted, 1):
        above, row = row, [i]
        for j, other in enumerate(truth, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (run.label != other.label)))
    longest = max(len(predicted), len(truth))
    return 1 - row[-1] / longest if longest else 1.0


def segmental_f1(predicted: Sequence[Run], truth: Sequence[Run], threshold: float) -> float:
    """F1 of runs; 1 where both are empty.

    Each predicted run, in order, is right where the truth of its label that it overlaps most does so by at least
    `threshold` IoU and was not found before.
    """
    spans = np.array([[run.start, run.end] for run in truth], dtype=np.float64).reshape(-1, 2)
    labels = np.array([run.label for run in truth])
    taken = np.zeros(len(truth), bool)
    for run in predicted:
        overlap = iou(spans, np.array([run.start, run.end], dtype=np.float64)) * (labels == run.label)
        best = int(overlap.argmax()) if len(overlap) else -1
        if best >= 0 and overlap[best] >= threshold and not taken[best]:
            taken[best] = True
    runs_in_all = len(predicted) + len(truth)
    return 2 * int(taken.sum()) / runs_in_all if runs_in_all else 1.0


def score_frames(
    predicted: Array, truth: Array, iou_thresholds: Sequence[float], background: Collection[int] = ()
) -> dict[str, float]:
    """All figures of one video, labels `[T]` each.

    Raises:
        DataError: They differ in length.
    """
    if predicted.shape != truth.shape:
        raise DataError(f"{len(predicted)} predicted labels for {len(truth)} frames; give one for each frame")
    ours, theirs = runs(predicted, background), runs(truth, background)
    figures = {"frame_accuracy": float(np.mean(predicted == truth)), "edit": edit_score(ours, theirs)}
    return figures | {f"F1@{round(100 * t)}": segmental_f1(ours, theirs, t) for t in iou_thresholds}


class FrameLabels:
    """See `vidcore_localization.metrics.config.FrameLabels`. Figures of videos are averaged, each counting as one."""

    def __init__(self, config: FrameLabelsConfig, classes: Sequence[str]) -> None:
        unknown = [name for name in config.background if name not in classes]
        if unknown:
            raise ConfigError(
                f"background names {unknown[0]!r}, which is no class of the data{nearest(unknown[0], classes)}"
            )
        self._iou = config.iou
        self._background = {list(classes).index(name) for name in config.background}
        self._videos: list[dict[str, float]] = []

    def update(self, prediction: Prediction, target: dict[str, Any]) -> None:
        """A video: `frames` `[T]`, or `scores` `[T, K]`, predicted, and `frames` `[T]` true."""
        outputs = prediction.outputs
        predicted = np.asarray(outputs["frames"]) if "frames" in outputs else np.asarray(outputs["scores"]).argmax(1)
        self._videos.append(score_frames(predicted, np.asarray(target["frames"]), self._iou, self._background))

    def compute(self) -> dict[str, float]:
        """`frame_accuracy`, `edit`, and `F1@X` for each IoU of X per cent; not a number without videos."""
        names = ("frame_accuracy", "edit", *(f"F1@{round(100 * threshold)}" for threshold in self._iou))
        if not self._videos:
            return dict.fromkeys(names, math.nan)
        return {name: float(np.mean([video[name] for video in self._videos])) for name in names}
