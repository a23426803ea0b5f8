"""From curves to candidates, and to the numbers that describe each: what stands between BSN's two networks.

A table of candidates has a row for each, best first, and the columns COLUMNS.
Letters: T moments, P candidates, G truths.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from attrs import field, frozen
from attrs.validators import ge

from vidcore.errors import DataError
from vidcore_localization.features import read_numbers
from vidcore_localization.segments import Array, bins, coverage, pairwise_iou, peaks

_SLACK = 0.05  # of the video: what reaches further beyond it are no fractions, but seconds
COLUMNS = ("tmin", "tmax", "tmin_score", "tmax_score", "score", "match_iou", "match_ioa")


@frozen(kw_only=True)
class Description:
    """How a candidate is described by values of the action curve: within it, around its start, around its end."""

    boundary_ratio: float = field(default=0.2, validator=ge(0.0))  # of its length, on either side of a boundary
    start: int = field(default=8, validator=ge(2))  # values around the start
    end: int = field(default=8, validator=ge(2))
    action: int = field(default=16, validator=ge(2))  # values from start to end
    points: int = field(default=3, validator=ge(1))  # of the curve that each value is the mean of, less one

    @property
    def size(self) -> int:
        """Numbers for a candidate."""
        return self.start + self.end + self.action


def find_candidates(curves: Array, truths: Array, peak: float = 0.5) -> Array:
    """The table of candidates `[P, 7]`: every start with every later end.

    A boundary lies in the middle of a moment whose curve is above `peak` of its maximum, or higher than both its
    neighbours; the first moment always is a start and the last one an end.

    Args:
        curves: Action, start, end, `[T, 3]`.
        truths: As fractions of the video, `[G, 2]`; without, the last two columns are zero.
        peak: See above.
    """
    centres = bins(len(curves)).mean(axis=1)
    is_start, is_end = peaks(curves[:, 1], peak), peaks(curves[:, 2], peak)
    is_start[0] = is_end[-1] = True
    first, last = np.meshgrid(np.flatnonzero(is_start), np.flatnonzero(is_end), indexing="ij")
    first, last = first[last > first], last[last > first]
    segments = np.stack([centres[first], centres[last]], axis=1)
    scores = np.stack([curves[first, 1], curves[last, 2]], axis=1).astype(np.float64)
    match = np.zeros((len(segments), 2))
    if len(truths):
        match[:, 0] = pairwise_iou(truths, segments).max(axis=0)
        match[:, 1] = coverage(segments[:, None], truths[None]).max(axis=1)
    table = np.column_stack([segments, scores, scores.prod(axis=1), match])
    ordered: Array = table[np.argsort(-table[:, 4], kind="stable")]
    return ordered


def describe(action: Array, segments: Array, description: Description) -> Array:
    """Values of the action curve for each candidate, `[P, size]`: within, around the start, around the end.

    Args:
        action: `[T]`; it is zero outside the video.
        segments: As fractions of the video, `[P, 2]`.
        description: How many values.
    """
    length = segments[:, 1] - segments[:, 0]
    margin = length * description.boundary_ratio
    start, end = segments[:, 0], segments[:, 1]
    parts = [
        _values(action, start, end, description.action, description.points),
        _values(action, start - margin, start + margin, description.start, description.points),
        _values(action, end - margin, end + margin, description.end, description.points),
    ]
    return np.concatenate(parts, axis=1)


def _values(action: Array, lower: Array, upper: Array, count: int, points: int) -> Array:
    """`count` means of the interpolated curve, the first around `lower`, the last around `upper`; `[P, count]`."""
    step = (upper - lower) / (count - 1)
    offsets = np.arange(count * points + 1) / points - 0.5
    at = lower[:, None] + step[:, None] * offsets
    moments = len(action)
    centres = (np.arange(-1, moments + 1) + 0.5) / moments
    curve = np.interp(at, centres, np.concatenate([[0.0], action, [0.0]]))  # [P, count * points + 1]
    windows = np.lib.stride_tricks.sliding_window_view(curve, points + 1, axis=1)[:, ::points]
    mean: Array = windows.mean(axis=2)
    return mean


def write_candidates(path: Path, table: Array) -> None:
    """A CSV with COLUMNS as first line."""
    np.savetxt(path, table, delimiter=",", header=",".join(COLUMNS), comments="", fmt="%.8g")


def read_candidates(path: Path) -> Array:
    """The table of a CSV, `[P, 7]`.

    Raises:
        DataError: It cannot be read, has other columns or values, or a candidate ends before it starts.
    """
    try:
        columns, table = read_numbers(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as a table of candidates: {error}") from error
    if columns != COLUMNS or table.shape[1:] != (len(COLUMNS),):
        raise DataError(f"{path}: has the columns {', '.join(columns)}; expected {', '.join(COLUMNS)}")
    first, last = table[:, 0], table[:, 1]
    outside = (first < -_SLACK) | (last > 1 + _SLACK)
    wrong = np.flatnonzero(~np.isfinite(table).all(axis=1) | (last <= first) | outside)
    if len(wrong):
        row = wrong[0]
        told = f"{path}:{row + 2}: candidate {first[row]:g} ... {last[row]:g}"
        raise DataError(f"{told} {'lies outside' if outside[row] else 'is no segment of'} the video, 0 ... 1")
    found: Array = table
    return found


def read_curves(path: Path) -> Array:
    """Action, start and end, `[T, 3]`, from a CSV with the columns action, start, end, and more, as MMAction2's TEM.

    Raises:
        DataError: It cannot be read or has other columns.
    """
    try:
        columns, table = read_numbers(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as curves: {error}") from error
    if columns[:3] != ("action", "start", "end") or not np.isfinite(table).all():
        raise DataError(f"{path}: should have finite columns action, start, end; it has {', '.join(columns)}")
    curves: Array = table[:, :3]
    return curves
