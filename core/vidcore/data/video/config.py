"""Options of the built-in decoder."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge


@frozen(kw_only=True)
class PyAVConfig:
    """FFmpeg through PyAV: every codec and container it knows, exact frames, on the CPU."""

    threads: int = field(default=1, validator=ge(1))  # decoding threads a video; more workers beat more threads
    skip_nonref: bool = True  # do not decode frames that nobody asked for and no other frame needs
    index_cache: bool = True  # remember where the frames of a file are, in VIDCORE_CACHE
