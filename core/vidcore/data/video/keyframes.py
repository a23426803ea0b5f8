"""Is a packet that is marked as a key frame a point from which decoding is exact?

H.264 in the wild marks more than that: plain I frames after which earlier pictures are still referred to, and the
starts of a gradual refresh, which give whole pictures only some frames later. Decoders show wrong pictures after a seek
to one of those and report nothing, so the slice and SEI types are read here (ITU-T H.264, 7.3.1, D.1.8). For other
codecs the mark is believed.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

_SLICE, _IDR_SLICE, _SEI = 1, 5, 6
_RECOVERY_POINT = 6


class Start(Enum):
    """What decoding from a marked packet gives."""

    NEW = "all that came before is forgotten"
    RECOVERY = "frames shown from here on are exact, but what came before may be referred to by others"
    INEXACT = "frames may be wrong for a while"


def kind_of_start(codec: str, extradata: bytes | None, packet: bytes) -> Start:
    """How a packet that is marked as a key frame begins."""
    if codec != "h264":
        return Start.NEW
    for unit in _units(extradata, packet):
        kind = unit[0] & 31
        if kind == _IDR_SLICE:
            return Start.NEW
        if kind == _SEI and _is_exact_recovery_point(unit[1:]):
            return Start.RECOVERY
        if kind == _SLICE:
            break
    return Start.INEXACT


def _units(extradata: bytes | None, packet: bytes) -> Iterator[bytes]:
    """NAL units, of which only the first 4,096 bytes are looked at."""
    if extradata and extradata[0] == 1 and len(extradata) > 4:  # avcC: each unit is preceded by its length
        width, at = (extradata[4] & 3) + 1, 0
        while at + width < len(packet):
            size = int.from_bytes(packet[at : at + width], "big")
            at += width
            if size:
                yield packet[at : at + min(size, 4096)]
            at += size
        return
    yield from (unit[:4096] for unit in packet.split(b"\0\0\1")[1:] if unit)


def _is_exact_recovery_point(sei: bytes) -> bool:
    """Whether an SEI unit announces that pictures are exact from this very picture on."""
    sei = sei.replace(b"\0\0\3", b"\0\0")
    at = 0
    while at + 2 < len(sei):
        kind, at = _varying(sei, at)
        size, at = _varying(sei, at)
        if kind == _RECOVERY_POINT and at < len(sei):
            # recovery_frame_cnt is 0 (Exp-Golomb: one bit 1), exact_match_flag 1, broken_link_flag 0
            return sei[at] >> 5 == 0b110
        at += size
    return False


def _varying(data: bytes, at: int) -> tuple[int, int]:
    """A number as SEI headers write it: 255 for each 255, then the rest. Returns it and the place after."""
    value = 0
    while at < len(data) and data[at] == 255:
        value, at = value + 255, at + 1
    return (value + data[at], at + 1) if at < len(data) else (value, at)
