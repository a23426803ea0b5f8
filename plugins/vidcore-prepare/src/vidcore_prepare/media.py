"""Reading and writing videos with PyAV: upright pictures of a chosen size with their times, H.264, sound.

Times are seconds as a player shows them: the first picture of nearly every file is at 0.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from attrs import define, field, frozen
from av.container import InputContainer
from av.filter import Graph
from av.stream import Disposition
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vidcore.errors import DataError

Pixels = NDArray[np.uint8]  # RGB [H, W, 3]
_UNTIMED = {"avi", "h264", "hevc", "m4v", "mpegvideo"}  # packets of these tell the order of decoding, not a time
_TURNS = {90: "transpose=cclock", 180: "hflip,vflip", 270: "transpose=clock"}  # by degrees counter-clockwise
_TICK = Fraction(1, 90_000)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """An open file. Whatever FFmpeg says against it, now or while it is read, becomes a DataError that names it."""
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            yield container
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if isinstance(error, OSError) and not isinstance(error, av.error.FFmpegError) and error.filename != str(path):
            raise  # of writing, such as a full disk
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path}: cannot be read: {reason}; play it, fetch it again, or remove it") from error


def picture_stream(container: InputContainer) -> VideoStream:
    """The video of a file, no cover picture. Raises DataError."""
    covers = Disposition.attached_pic | Disposition.timed_thumbnails
    for stream in container.streams.video:
        if not stream.disposition & covers:
            stream.codec_context.thread_count = 1  # the processes are many
            stream.codec_context.options = {"err_detect": "explode"}
            return stream
    raise DataError(f"{container.name}: has no video in it; remove it")


@define
class Clock:
    """Seconds of decoded pictures."""

    stream: VideoStream
    timed: bool
    start: Fraction
    _count: int = 0

    @classmethod
    def of(cls, container: InputContainer, stream: VideoStream) -> Clock:
        """The clock of a file that is read from its start."""
        timed = not set(container.format.name.split(",")) & _UNTIMED
        return cls(stream, timed, Fraction(container.start_time or 0, av.time_base) if timed else Fraction(0))

    def seconds(self, frame: VideoFrame) -> Fraction:
        """When a frame is shown; each frame is asked about once, in order."""
        self._count += 1
        if self.timed and frame.pts is not None and frame.time_base is not None:
            return frame.pts * frame.time_base - self.start
        rate = self.stream.average_rate or self.stream.guessed_rate or Fraction(25)
        return (self._count - 1) / Fraction(rate)


def fitted(width: int, height: int, short_side: int | None, even: bool = False) -> tuple[int, int]:
    """Width and height with a short side of at most `short_side`; nothing grows. Even, where a codec wants that."""
    scale = min(1.0, short_side / min(width, height)) if short_side else 1.0
    step = 2 if even else 1
    width, height = (max(step, round(side * scale / step) * step) for side in (width, height))
    return width, height


@define
class Shaper:
    """Turns pictures upright and scales them, in one go of FFmpeg's filters.

    Args:
        short_side: Of what comes out, at most; None leaves the size.
        pixel_format: Of what comes out, in FFmpeg's words.
        even: Whether both sides must be even.
    """

    short_side: int | None
    pixel_format: str = "rgb24"
    even: bool = False
    _graph: Graph | None = field(default=None, init=False)
    _shape: tuple[object, ...] = field(default=(), init=False)

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """The picture as it is to be shown."""
        turned = frame.rotation % 360
        shape = (frame.width, frame.height, frame.format.name, turned)
        if self._graph is None or shape != self._shape:
            self._graph, self._shape = self._made(frame, turned), shape
        self._graph.push(frame)
        shaped = self._graph.pull()
        assert isinstance(shaped, VideoFrame)
        return shaped

    def _made(self, frame: VideoFrame, turned: int) -> Graph:
        upright = (frame.height, frame.width) if turned in (90, 270) else (frame.width, frame.height)
        width, height = fitted(*upright, self.short_side, self.even)
        chain = [_TURNS[turned]] if turned in _TURNS else []
        if (width, height) != upright:
            chain.append(f"scale={width}:{height}:flags=area")
        chain.append(f"format={self.pixel_format}")
        graph = Graph()
        last = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=_TICK)
        for each in ",".join(chain).split(","):
            name, _, options = each.partition("=")
            node = graph.add(name, options)
            last.link_to(node)
            last = node
        last.link_to(graph.add("buffersink"))
        graph.configure()
        return graph


def pictures(path: Path, short_side: int | None = None) -> Iterator[Pixels]:
    """Every frame of a video in the order in which it is shown, RGB.

    Raises:
        DataError: It cannot be read to its end.
    """
    shape = Shaper(short_side)
    with opened(path) as container:
        for frame in container.decode(picture_stream(container)):
            pixels: Any = shape(frame).to_ndarray()
            yield pixels


@frozen(kw_only=True)
class Encoding:
    """How H.264 is written."""

    crf: int = 23  # quality: 18 looks like the original, 28 is small; see x264
    gop: int = 16  # frames from one key frame to the next at most: a jump decodes that many
    preset: str = "fast"  # x264's time against size
    # Plainer entropy coding and no deblocking: half the time to decode for 6 % more bytes, as measured on small videos.
    quick_to_read: bool = True


def first_picture(path: Path) -> VideoFrame:
    """The first frame that can be decoded. Raises DataError where there is none."""
    with opened(path) as container:
        for frame in container.decode(picture_stream(container)):
            return frame
    raise DataError(f"{path}: no frame can be decoded; fetch it again or remove it")


class VideoWriter:
    """Writes pictures with their times, as H.264.

    Args:
        container: Open for writing; the video becomes one more stream of it.
        encoding: How.
        size: Width and height, even.
        rate: Frames a second, as far as there is one; times are exact without it.
    """

    def __init__(self, container: Any, encoding: Encoding, size: tuple[int, int], rate: Fraction | None) -> None:
        options = {"crf": str(encoding.crf), "preset": encoding.preset, "x264-params": f"keyint={encoding.gop}"}
        if encoding.quick_to_read:
            options["tune"] = "fastdecode"
        self.frames = 0
        self._container, self._last = container, -1
        self._stream = container.add_stream("libx264", rate=rate or 25, options=options)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = self._stream.codec_context.time_base = _TICK
        self._stream.codec_context.gop_size = encoding.gop
        self._stream.codec_context.thread_count = 1

    def write(self, frame: VideoFrame, seconds: Fraction) -> None:
        """Add a picture. Of two in the same tick the later one moves on a tick."""
        self._last = max(round(seconds / _TICK), self._last + 1)
        frame.pts, frame.time_base = self._last, _TICK
        frame.pict_type = PictureType.NONE  # the encoder chooses; it was that of the source
        self._container.mux(self._stream.encode(frame))
        self.frames += 1

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._container.mux(self._stream.encode(None))


@contextlib.contextmanager
def new_video(target: Path) -> Iterator[Any]:
    """An MP4 that begins with its index, so that players and readers over a network start at once."""
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        yield container
