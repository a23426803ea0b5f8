"""Which moments of a video describe which proposal: constant tables of the network.

Letters: T moments, D durations (as many), S sampled points, P cells of the map that lie within the video.
"""

from __future__ import annotations

import numpy as np

from vidcore_localization.segments import Array


def cells(length: int) -> Array:
    """(duration, start) of each proposal that ends within the video, int64 `[P, 2]`; duration 0 is one moment."""
    duration, start = np.meshgrid(np.arange(length), np.arange(length), indexing="ij")
    inside: Array = np.argwhere(start + duration < length)
    return inside


def spans(length: int) -> Array:
    """Start and end of every cell of the map as fractions, `[D, T, 2]`; some end after the video."""
    duration, start = np.meshgrid(np.arange(length), np.arange(length), indexing="ij")
    return np.stack([start / length, (start + duration + 1) / length], axis=-1)


def sample_weights(length: int, samples: int, per_bin: int, context: float) -> Array:
    """How much each moment counts in each sampled point of each proposal, float32 `[S, T, P]`.

    Points are spread evenly over the proposal and `context` of its length on either side; each is the mean of `per_bin`
    nearby ones, each of those interpolated between two moments. What lies outside the video counts as zero; a point
    less than one moment before the first one takes that one whole, as in the authors' code.
    """
    proposals = cells(length)
    result = np.zeros((samples, length, len(proposals)), dtype=np.float32)
    for number, (duration, start) in enumerate(proposals.tolist()):
        margin = (duration + 1) * context
        points = np.linspace(start - margin, start + duration + margin, samples * per_bin)
        points[(points > -1) & (points < 0)] = 0.0
        lower = np.floor(points).astype(int)
        share = points - lower
        bins = np.repeat(np.arange(samples), per_bin)
        table = np.zeros((samples, length))
        for moment, weight in ((lower, 1 - share), (lower + 1, share)):
            inside = (moment >= 0) & (moment < length)
            np.add.at(table, (bins[inside], moment[inside]), weight[inside])
        result[:, :, number] = table / per_bin
    return result
