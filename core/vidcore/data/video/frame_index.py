"""Which packets of a file must be decoded to get frame i.

Frames are numbered as they are shown, packets as they lie in the file; with B-frames the two orders differ. The
numbers of the packets ride through the decoder as their time stamps, so a decoded frame tells which packet it came
from, also in containers whose own time stamps are missing, doubled or mere counters.
"""

from __future__ import annotations

import bisect
import json
import zlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from attrs import asdict, astuple, field, fields, frozen

from vidcore.data.video.orientation import Orientation
from vidcore.interfaces import VideoInfo

Int64s = np.ndarray[Any, np.dtype[np.int64]]
NO_TIME = -(2**63)  # what FFmpeg writes for a time stamp that is not known

_MAGIC = b"VIDCOREINDEX2"
_ARRAYS = ("pts", "packets", "key_packets", "key_frames", "key_times", "key_pts", "key_sizes")
# Going on to the next key frame by decoding costs less than a seek when at most this many frames lie between.
_JOIN_GAP = 3
# No codec shows a frame earlier than this many frames before its turn in the file.
_MAX_REORDER = 64


@frozen
class Run:
    """Frames to be had from one stretch of decoding."""

    key: int  # number of the key frame to start at
    frames: tuple[int, ...]  # ascending


@frozen(kw_only=True, eq=False)
class FrameIndex:
    """Frames and key frames of a video. N frames, K key frames.

    A key frame serves the frames from `key_frames[k]` on, in the order shown: those that are shown before it need the
    key frame before (open GOP), although their packets come after it.
    """

    codec: str
    container: str  # FFmpeg's name of the format
    pixel_format: str
    time_base: Fraction
    fps: Fraction
    coded_width: int
    coded_height: int
    orientation: Orientation = field(factory=Orientation)
    pts: Int64s  # time stamp of each frame in units of time_base, ascending [N]
    packets: Int64s  # packet that carries each frame [N]
    key_packets: Int64s  # ascending [K]
    key_frames: Int64s  # first frame that is whole when decoding starts here, ascending [K]
    key_times: Int64s  # what to seek to [K]
    key_pts: Int64s  # time stamp and size of the packet, to know it again after a seek [K]
    key_sizes: Int64s
    # The decoder calls sound packets damaged after a seek: only what it cannot decode at all is to be held for that.
    false_alarms: bool = False

    @property
    def num_frames(self) -> int:
        """Frames that decoding the whole file gives."""
        return len(self.pts)

    def info(self) -> VideoInfo:
        """The public description of the video."""
        width, height = self.orientation.shown_size(self.coded_width, self.coded_height)
        return VideoInfo(
            num_frames=self.num_frames,
            fps=float(self.fps),
            width=width,
            height=height,
            timestamps=self.pts.astype(np.float64) * float(self.time_base),
            codec=self.codec,
            rotation=self.orientation.rotation,
        )

    def leading_packets(self, key: int) -> set[int]:
        """Packets that follow a key frame and are shown before it: what they refer to may be missing after a seek."""
        first, packet = int(self.key_frames[key]), int(self.key_packets[key])
        before = self.packets[max(first - _MAX_REORDER, 0) : first]
        return {int(number) for number in before if number > packet}

    def runs(self, frames: Sequence[int]) -> Iterator[Run]:
        """Split ascending frame numbers into stretches that are cheap to decode.

        A new stretch begins where a later key frame spares more decoding than seeking to it costs.
        """
        key_frames = self.key_frames.tolist()
        start, members = 0, list[int]()
        for frame in frames:
            key = max(bisect.bisect_right(key_frames, frame) - 1, 0)
            if members and key > start and key_frames[key] - members[-1] > _JOIN_GAP:
                yield Run(start, tuple(members))
                members = []
            if not members:
                start = key
            members.append(frame)
        if members:
            yield Run(start, tuple(members))

    def to_bytes(self) -> bytes:
        """Compact, with a checksum: about 200 bytes for a clip with constant frame rate."""
        values = asdict(self, value_serializer=lambda _, __, value: _plain(value)).values()
        body = zlib.compress(json.dumps(list(values), separators=(",", ":")).encode(), 9)
        return _MAGIC + zlib.crc32(body).to_bytes(4, "little") + body

    @classmethod
    def from_bytes(cls, data: bytes) -> FrameIndex:
        """Read what `to_bytes` wrote. Raises ValueError when it is anything else or damaged."""
        start = len(_MAGIC) + 4
        body = data[start:]
        if data[:start] != _MAGIC + zlib.crc32(body).to_bytes(4, "little"):
            raise ValueError("no frame index of this version, or a damaged one")
        names = [entry.name for entry in fields(cls)]
        values: dict[str, Any] = dict(zip(names, json.loads(zlib.decompress(body)), strict=True))
        values |= {name: Fraction(values[name]) for name in ("time_base", "fps")}
        values |= {name: np.cumsum(np.array(values[name], np.int64)) for name in _ARRAYS}
        return cls(**(values | {"orientation": Orientation(*values["orientation"])}))


def _plain(value: Any) -> Any:
    """A field's value for JSON. Of arrays the differences, which compress well; they wrap around at 64 bits."""
    if isinstance(value, np.ndarray):
        return np.diff(value, prepend=np.int64(0)).tolist()
    if isinstance(value, Orientation):
        return astuple(value)
    return str(value) if isinstance(value, Fraction) else value
