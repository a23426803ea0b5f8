"""Average precision of boxes in frames and of tubes in videos. Numpy only.

Source: frame and video mAP as released with Kalogeiton et al., arXiv:1705.01861, which UCF101-24, JHMDB and MultiSports
are evaluated with. Letters: D detections, G truths, of a frame or video.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]


def hits(scores: Sequence[float], places: Sequence[Any], overlaps: Callable[[int], Numbers], iou: float) -> Numbers:
    """Which detections are right, from the highest score down: bool `[D]`.

    Each takes, of the truths of its frame or video that no better one has taken, the one that it overlaps most.

    Args:
        scores: Of the detections.
        places: The frame or video of each.
        overlaps: The IoU of a detection with every truth of its frame or video, `[G]`.
        iou: At least this much.
    """
    right = np.zeros(len(scores), bool)
    taken: dict[Any, set[int]] = {}
    for rank, number in enumerate(np.argsort(-np.asarray(scores), kind="stable").tolist()):
        found = overlaps(number).astype(np.float64)
        used = taken.setdefault(places[number], set())
        found[list(used)] = -1.0
        if len(found) and found.max() >= iou:
            used.add(int(found.argmax()))
            right[rank] = True
    return right


def mean_known(values: Iterable[float]) -> float:
    """The mean of what is not nan; nan where nothing is left."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def grouped(places: Sequence[Any]) -> Mapping[Any, list[int]]:
    """The numbers of what lies at each place."""
    groups: dict[Any, list[int]] = {}
    for number, place in enumerate(places):
        groups.setdefault(place, []).append(number)
    return groups
