"""Options of the OpenCV decoder."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class OpenCV:
    """OpenCV's own reader, from a file's start to the last frame that is wanted; for comparison with older runs."""
