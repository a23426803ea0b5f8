"""Options of the decord decoder."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge


@frozen(kw_only=True)
class Decord:
    """Decord's own reader. Slower than the built-in decoder, exact on fewer files; for comparison with older runs."""

    threads: int = field(default=1, validator=ge(1))  # decoding threads a video
