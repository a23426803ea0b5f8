"""Which of several predictions of a video is shown when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import inf

import numpy as np

_NEAR = 1e-6  # seconds, of rounding


def shown_at(centres: Sequence[float], seconds: Sequence[float], reach: float = inf) -> list[int]:
    """For each moment the number of the nearest prediction; -1 where none is within reach.

    Args:
        centres: Seconds that the predictions are about.
        seconds: Moments.
        reach: Seconds; what is further away is not shown.
    """
    if not len(centres):
        return [-1] * len(seconds)
    distances = np.abs(np.asarray(seconds, np.float64)[:, None] - np.asarray(centres, np.float64)[None])
    nearest = distances.argmin(axis=1)
    return [int(i) if row[i] <= reach + _NEAR else -1 for i, row in zip(nearest, distances, strict=True)]


def usual_reach(centres: Sequence[float], alone: float = 0.5) -> float:
    """Half of the usual time from one prediction to the next, in seconds; `alone` where there is one only."""
    steps = np.diff(np.unique(np.asarray(centres, np.float64)))
    return float(np.median(steps)) / 2 if len(steps) else alone


def runs(numbers: Sequence[int]) -> Iterator[tuple[int, slice]]:
    """Equal neighbours as one: each number with the slice where it stands."""
    for number, group in groupby(enumerate(numbers), key=lambda pair: pair[1]):
        places = [place for place, _ in group]
        yield number, slice(places[0], places[-1] + 1)
