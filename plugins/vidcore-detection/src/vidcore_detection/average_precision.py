"""Average precision of detections, as the official evaluation of AVA has it. Numpy only.

Letters: D detections, G annotated boxes, of one frame; K classes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from vidcore_detection.boxes import Boxes, box_iou

Numbers = NDArray[Any]


@frozen(kw_only=True, eq=False)
class Frame:
    """Truth and detections of one frame; a box with several classes stands once for each of them."""

    truth_boxes: Boxes  # [G, 4]
    truth_labels: Numbers  # int [G]
    boxes: Boxes  # [D, 4]
    labels: Numbers  # int [D]
    scores: Numbers  # float [D]

    @property
    def annotated(self) -> bool:
        """Something is annotated."""
        return len(self.truth_labels) > 0


def listed(boxes: Boxes, scores: Numbers, threshold: float) -> tuple[Boxes, Numbers, Numbers]:
    """Detections of single classes from scores of all classes, class after class.

    Args:
        boxes: `[P, 4]`.
        scores: `[P, K]`.
        threshold: A score must be above it. Below 0: each box has its best class alone.

    Returns:
        Boxes `[D, 4]`, classes `[D]`, scores `[D]`.
    """
    if threshold < 0:
        chosen = np.zeros(scores.shape, bool)
        if scores.size:
            chosen[np.arange(len(scores)), scores.argmax(axis=1)] = True
    else:
        chosen = scores > threshold
    labels, rows = np.nonzero(chosen.T)
    return boxes[rows], labels, scores[rows, labels]


def hits(frame: Frame, label: int, iou: float) -> tuple[Numbers, NDArray[np.bool_]]:
    """Scores of the detections of a class, from the highest down, and which of them are right.

    Each looks only at the one annotated box that it overlaps most; where a better one has taken that, it is wrong.
    """
    truth = frame.truth_boxes[frame.truth_labels == label]
    mine = frame.labels == label
    order = np.argsort(-frame.scores[mine], kind="stable")
    boxes, scores = frame.boxes[mine][order], frame.scores[mine][order]
    right = np.zeros(len(scores), bool)
    if not len(truth) or not len(scores):
        return scores, right
    overlaps = box_iou(boxes, truth)
    taken: set[int] = set()
    for number, best in enumerate(overlaps.argmax(axis=1).tolist()):
        if overlaps[number, best] >= iou and best not in taken:
            taken.add(best)
            right[number] = True
    return scores, right


def area_under(scores: Numbers, right: NDArray[np.bool_], num_truths: int) -> float:
    """Area under precision over recall, where precision is the best at that recall or a higher one (all points)."""
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(right[order])
    precision = found / np.arange(1, len(found) + 1)
    recall = found / num_truths
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * best))


def average_precisions(
    frames: Iterable[Frame],
    num_classes: int,
    *,
    iou: float = 0.5,
    undetected: str = "zero",
    unannotated_frames: str = "count",
    num_truths: Numbers | None = None,
) -> NDArray[np.float64]:
    """Average precision of each class, `[K]`; nan for one that does not count.

    Args:
        frames: In an order that does not depend on who found them: it decides among equal scores.
        num_classes: K; labels are 0 ... K - 1.
        iou: Overlap from which a detection may be right.
        undetected: "zero" or "leave-out": a class that is annotated and never detected.
        unannotated_frames: "count" or "ignore": detections where nothing is annotated.
        num_truths: How many boxes of each class there are to find; None: as many as the frames have.
    """
    counted = [frame for frame in frames if frame.annotated or unannotated_frames == "count"]
    truths = np.concatenate([frame.truth_labels for frame in counted] or [np.zeros(0, int)])
    totals = np.bincount(truths, minlength=num_classes) if num_truths is None else num_truths
    answers = np.full(num_classes, np.nan)
    for label in np.flatnonzero(totals).tolist():
        pairs = [hits(frame, label, iou) for frame in counted if (frame.labels == label).any()]
        if pairs:
            scores, right = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
            answers[label] = area_under(scores, right, int(totals[label]))
        elif undetected == "zero":
            answers[label] = 0.0
    return answers


def mean_of(values: NDArray[np.float64]) -> float:
    """The mean of what is not nan; nan where nothing is left."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
