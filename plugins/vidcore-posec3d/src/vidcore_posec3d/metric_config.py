"""Options of the metric of two streams. Imports neither torch nor numpy."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import deep_iterable, ge, min_len


@frozen(kw_only=True)
class StreamAccuracy:
    """Top-k and mean class accuracy of the video, of its key points, and of weighted sums of their scores."""

    top_k: tuple[int, ...] = field(default=(1, 5), validator=[min_len(1), deep_iterable(ge(1))])
    # of the video and of the key points, for each sum
    weights: tuple[tuple[float, float], ...] = ((1.0, 1.0), (2.0, 1.0), (1.0, 2.0))
