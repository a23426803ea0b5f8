"""Options of the TorchCodec decoder."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge, matches_re


@frozen(kw_only=True)
class TorchCodec:
    """TorchCodec, with the FFmpeg libraries of the system. It refuses files on which it is not exact."""

    # "cpu"; "cuda" or "cuda:1" decodes, crops and scales on the GPU, and hands frames over in the CPU's memory
    device: str = field(default="cpu", validator=matches_re(r"cpu|cuda(:\d+)?"))
    threads: int = field(default=1, validator=ge(1))  # decoding threads a video, on the CPU
