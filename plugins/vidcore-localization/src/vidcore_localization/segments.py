"""Arithmetic of temporal segments: overlap, boundaries, suppression of near duplicates.

A segment is (start, end) in any unit of time. Letters: G truths, P candidates, T bins of a video.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidcore_localization.config import Suppression

Array = NDArray[Any]


def intersection(first: Array, second: Array) -> Array:
    """Length that two sets of segments share, `[..., 2]` against `[..., 2]`, broadcast; 0 where they are apart."""
    lower = np.maximum(first[..., 0], second[..., 0])
    upper = np.minimum(first[..., 1], second[..., 1])
    shared: Array = (upper - lower).clip(0)
    return shared


def iou(first: Array, second: Array) -> Array:
    """Intersection over union, broadcast. Two segments without length give NaN."""
    shared = intersection(first, second)
    with np.errstate(invalid="ignore"):
        result: Array = shared / (_length(first) + _length(second) - shared)
    return result


def coverage(segments: Array, others: Array) -> Array:
    """Share of each segment that the other one covers, broadcast; segments without length give NaN or infinity."""
    with np.errstate(invalid="ignore", divide="ignore"):
        result: Array = intersection(segments, others) / _length(segments)
    return result


def pairwise_iou(truths: Array, candidates: Array) -> Array:
    """IoU of each truth with each candidate, `[G, P]`."""
    return iou(truths[:, None], candidates[None])


def soft_nms(segments: Array, scores: Array, options: Suppression) -> tuple[Array, Array]:
    """The best segments, each picked after the scores of its neighbours have decayed, best first.

    Args:
        segments: `[P, 2]`, as fractions of the video: thresholds hang on their length.
        scores: `[P]`.
        options: How much neighbours decay, and how many are kept.

    Returns:
        `top_k + 1` segments (all where there are fewer) with their decayed scores, as the authors of BSN do.
    """
    order = np.argsort(scores)[::-1]
    segments, scores = segments[order].astype(np.float64), scores[order].astype(np.float64)
    left = np.ones(len(scores), bool)
    picked: list[int] = []
    while left.any() and len(picked) <= options.top_k:
        best = int(np.argmax(np.where(left, scores, -np.inf)))
        picked.append(best)
        left[best] = False
        overlap = iou(segments, segments[best])
        limit = options.low + (options.high - options.low) * (segments[best, 1] - segments[best, 0])
        near = left & (overlap > limit)
        scores[near] *= np.exp(-np.square(overlap[near]) / options.alpha)
    return segments[picked], scores[picked]


def best_segments(segments: Array, scores: Array, options: Suppression, seconds: float) -> tuple[Array, Array]:
    """The final segments of a video in seconds, and their scores, best first: suppressed, cut to the video, counted.

    Args:
        segments: `[P, 2]`, as fractions of what the features cover.
        scores: `[P]`.
        options: Of the suppression; a single segment is kept as it is.
        seconds: That the features cover.
    """
    if len(segments) > 1:
        segments, scores = soft_nms(segments, scores, options)
    order = np.argsort(-scores, kind="stable")[: options.top_k]
    return segments[order].clip(0.0, 1.0) * seconds, scores[order]


def bins(count: int, lead: float = 0.0, tail: float = 1.0) -> Array:
    """Bins of a video as fractions, `[T, 2]`: bin i reaches from (i + lead) / T to (i + tail) / T.

    Example: `bins(2)` gives [[0, 0.5], [0.5, 1]].
    """
    index = np.arange(count, dtype=np.float64)
    return np.stack([(index + lead) / count, (index + tail) / count], axis=1)


def boundary_targets(boundaries: Array, widths: Array, anchors: Array) -> Array:
    """How much of each anchor lies near a boundary, `[T]`, 0 ... 1: the largest share over all boundaries.

    Args:
        boundaries: Starts, or ends, `[G]`.
        widths: Of the window around each that counts as near, `[G]`.
        anchors: `[T, 2]`.
    """
    windows = np.stack([boundaries - widths / 2, boundaries + widths / 2], axis=-1)
    return most_covered(anchors, windows)


def most_covered(anchors: Array, windows: Array) -> Array:
    """The largest share of each anchor that one of the windows covers, `[T]`; 0 without windows."""
    if not len(windows):
        return np.zeros(len(anchors))
    result: Array = coverage(anchors[:, None], windows[None]).max(axis=1)
    return result


def peaks(curve: Array, threshold: float) -> Array:
    """Bins of a curve `[T]` above `threshold` of its maximum or higher than both neighbours, as bool `[T]`."""
    high = curve > threshold * curve.max()
    inner = (curve[1:-1] > curve[:-2]) & (curve[1:-1] > curve[2:])
    high[1:-1] |= inner
    found: Array = high
    return found


def covered_seconds(frames: int, seconds: float, interval: int) -> float:
    """Seconds that features cover which were taken every `interval` frames, as published figures count them."""
    return frames // interval * interval / frames * seconds


def _length(segments: Array) -> Array:
    length: Array = segments[..., 1] - segments[..., 0]
    return length
