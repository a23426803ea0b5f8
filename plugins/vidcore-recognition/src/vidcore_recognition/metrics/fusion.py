"""Late fusion: one score from several streams. Letters: S streams, N samples, K classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidcore.errors import ConfigError


def softmax(scores: NDArray[Any]) -> NDArray[Any]:
    """Softmax over the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def fuse_scores(streams: Sequence[NDArray[Any]], coefficients: Sequence[float]) -> NDArray[np.float64]:
    """The sum of coefficient x scores over streams, `[N, K]`, as it is: coefficients need not sum to one.

    Args:
        streams: Scores of the same samples in the same order, each `[N, K]`.
        coefficients: One a stream.

    Raises:
        ConfigError: There is not one coefficient a stream, or the streams differ in shape.
    """
    if not streams or len(streams) != len(coefficients):
        raise ConfigError(f"{len(streams)} streams need as many coefficients, at least one; got {len(coefficients)}")
    if len({stream.shape for stream in streams}) > 1:
        raise ConfigError(f"streams differ in shape: {[stream.shape for stream in streams]}; fuse the same samples")
    weighted = [
        coefficient * stream.astype(np.float64) for coefficient, stream in zip(coefficients, streams, strict=True)
    ]
    return np.asarray(np.sum(weighted, axis=0), np.float64)
