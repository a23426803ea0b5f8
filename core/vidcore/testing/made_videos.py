"""Small videos whose frames carry their own number, in every shape that has caught a decoder out.

A frame's number is written as ten large bright or dark blocks, so it survives compression, and a decoder that returns
the wrong frame is caught by what is in the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.container
import numpy as np
from attrs import field, frozen
from av.video.stream import VideoStream

Pixels = np.ndarray[Any, np.dtype[np.uint8]]

_COLUMNS, _ROWS = 5, 2
_BRIGHT, _DARK = (235, 225, 200), (20, 30, 60)
_TICK = Fraction(1, 12800)
_FPS = 25


def numbered_picture(number: int, width: int, height: int) -> Pixels:
    """An RGB picture `[H, W, 3]` that carries a number below 1024."""
    picture = np.empty((height, width, 3), np.uint8)
    for bit in range(_COLUMNS * _ROWS):
        row, column = divmod(bit, _COLUMNS)
        block = picture[
            row * height // _ROWS : (row + 1) * height // _ROWS,
            column * width // _COLUMNS : (column + 1) * width // _COLUMNS,
        ]
        block[:] = _BRIGHT if number >> bit & 1 else _DARK
    return picture


def read_number(picture: Pixels) -> int:
    """The number that a picture carries, upright and whole, at any size from 10 by 4 pixels on."""
    height, width = picture.shape[:2]
    number = 0
    for bit in range(_COLUMNS * _ROWS):
        row, column = divmod(bit, _COLUMNS)
        pixel = picture[(2 * row + 1) * height // (2 * _ROWS), (2 * column + 1) * width // (2 * _COLUMNS)]
        number |= (int(pixel.mean()) > 128) << bit
    return number


@frozen(kw_only=True)
class MadeVideo:
    """How to encode a numbered video."""

    suffix: str = ".mp4"
    codec: str = "libx264"
    num_frames: int = 48
    width: int = 160
    height: int = 96
    pixel_format: str = "yuv420p"
    options: dict[str, str] = field(factory=dict)
    mux_options: dict[str, str] = field(factory=dict)
    b_frames: int | None = None  # None: as the codec's options say
    gop: int = 12
    times: Callable[[int], int] | None = None  # frame -> time stamp in 1/12800 s; None: 25 frames a second from 0
    rotation: int = 0  # degrees clockwise to turn it by for showing

    def write(self, path: Path) -> Path:
        """Encode it."""
        with av.open(str(path), "w", options=self.mux_options) as container:
            stream = container.add_stream(self.codec, rate=_FPS)
            assert isinstance(stream, VideoStream)
            self._set_up(stream)
            for number in range(self.num_frames):
                frame = av.VideoFrame.from_ndarray(numbered_picture(number, self.width, self.height), format="rgb24")
                frame.pts = self.times(number) if self.times else number
                frame.time_base = _TICK if self.times else Fraction(1, _FPS)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    def seconds(self, number: int) -> float:
        """When a frame is shown."""
        return float(self.times(number) * _TICK) if self.times else number / _FPS

    def _set_up(self, stream: VideoStream) -> None:
        stream.width, stream.height, stream.pix_fmt = self.width, self.height, self.pixel_format
        context = stream.codec_context
        context.gop_size = self.gop
        context.thread_count = 1
        if self.b_frames is not None:
            context.max_b_frames = self.b_frames
        if self.times:
            stream.time_base = context.time_base = _TICK
        if self.rotation:
            stream.set_display_rotation(-self.rotation)
        stream.options = dict(self.options)


def h264(**x264: int) -> dict[str, str]:
    """Options for libx264 with groups of 12 pictures, unless told otherwise."""
    settings = {"keyint": 12, "min-keyint": 12, "scenecut": 0, "bframes": 3, "threads": 1} | {
        name.replace("_", "-"): value for name, value in x264.items()
    }
    return {"preset": "fast", "x264-params": ":".join(f"{name}={value}" for name, value in settings.items())}


def remux(source: Path, target: Path, drop: Callable[[int, bool], bool] = lambda number, key: False) -> Path:
    """Copy a video's packets into another container, leaving some out. `drop` is told the packet's number and kind."""
    with av.open(str(source)) as reading, av.open(str(target), "w") as writing:
        stream = reading.streams.video[0]
        copy = writing.add_stream_from_template(stream)
        packets = (packet for packet in reading.demux(stream) if packet.size)
        for number, packet in enumerate(packets):
            if not drop(number, packet.is_keyframe):
                packet.stream = copy
                writing.mux(packet)
    return target


def cut(source: Path, target: Path, share: float) -> None:
    """The first bytes of a file, by their share of all."""
    data = source.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])


def patch_edit_list(source: Path, target: Path, skip_frames: int) -> None:
    """Make an MP4 begin some frames later by its edit list, leaving every packet where it is."""
    data = bytearray(source.read_bytes())
    at = data.index(b"elst") + 4 + 4 + 4 + 4  # type, version and flags, number of entries, duration
    start = int.from_bytes(data[at : at + 4], "big") + skip_frames * 12800 // _FPS
    data[at : at + 4] = start.to_bytes(4, "big")
    target.write_bytes(data)


def decode_all(path: Path) -> list[Pixels]:
    """Every frame by plain decoding from the start, RGB `[H, W, 3]`, not turned."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_type = "NONE"
        return [frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False) for frame in container.decode(stream)]


def write_audio(path: Path) -> Path:
    """A second of silence without pictures."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        for number in range(16):
            frame.pts = number * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def upright(picture: Pixels, rotation: int) -> Pixels:
    """Turn a shown picture back by the degrees clockwise that it was turned by."""
    turned: Pixels = np.rot90(picture, k=rotation // 90)
    return turned
