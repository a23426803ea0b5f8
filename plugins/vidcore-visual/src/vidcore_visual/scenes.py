"""What predictions are painted over: frames of a video, of a layer such as skeletons, or of both.

Letters: T frames, H W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from attrs import frozen
from numpy.typing import NDArray
from torch import Tensor

from vidcore.errors import DataError
from vidcore.interfaces import Decoder, FrameView, VideoInfo

_BACKDROP = (24, 27, 33)  # behind a layer without a video
_ROUNDING = 1e-4  # seconds; container formats round the moments of frames
_LAYER_FPS = 30.0  # of a layer without a video: its frame rate is not known
_AT_ONCE = 8  # frames in memory

Size = tuple[int, int]  # H, W
Times = NDArray[np.float64]  # seconds


class Layer(Protocol):
    """What is seen of a sample that is no video, such as skeletons: painted over frames, or over nothing."""

    num_frames: int
    size: Size  # of a frame that it fits into, where there is no video

    def over(self, frames: Tensor, places: Sequence[float]) -> Tensor:
        """Painted over frames, uint8 `[T, 3, H, W]` in and out; `places` are their moments, 0 ... 1 of its length."""


@frozen(kw_only=True)
class Look:
    """How a scene is shown."""

    side: int | None = None  # pixels of the longer side; None: as it is, within limits
    smallest: int = 320  # of the longer side, where `side` is None: names must be legible
    largest: int = 1280
    fps: float | None = None  # frames a second at most; None: `usual_fps`
    usual_fps: float = 30.0
    frames: int | None = None  # so many frames, spread evenly over the whole; None: all, at the frame rate


@frozen(kw_only=True, eq=False)
class Scene:
    """Frames and their moments. Valid while what `open_scene` opened is open."""

    seconds: Sequence[float]  # from the first frame of the video
    fps: float  # at which the frames follow each other
    size: Size
    read: Callable[[int, int], Tensor]  # frames from one number up to another, uint8 [T, 3, H, W]

    def parts(self) -> Iterator[tuple[Tensor, Sequence[float]]]:
        """A few frames at a time, with their moments."""
        for first in range(0, len(self.seconds), _AT_ONCE):
            last = min(first + _AT_ONCE, len(self.seconds))
            yield self.read(first, last), self.seconds[first:last]


@contextmanager
def open_scene(video: Path | None, layer: Layer | None, decoder: Decoder, look: Look) -> Iterator[Scene]:
    """The scene of a video, of a layer, or of a layer over a video.

    Raises:
        DataError: There is neither, or the video cannot be read.
    """
    if video is not None:
        with decoder.open(video) as reader:
            info = reader.info
            indices, fps = shown_frames(info, look)
            size = shown_size((info.height, info.width), look)
            times = info.timestamps - info.timestamps[0]
            length = max(info.num_frames - 1, 1)

            def read(first: int, last: int) -> Tensor:
                own = indices[first:last]
                frames = reader.frames(own, FrameView(size=size))
                return frames if layer is None else layer.over(frames, [index / length for index in own])

            yield Scene(seconds=times[indices].tolist(), fps=fps, size=size, read=read)
    elif layer is not None:
        yield _alone(layer, look)
    else:
        raise DataError("there is neither a video nor anything else to be seen")


def _alone(layer: Layer, look: Look) -> Scene:
    size = shown_size(layer.size, look)
    times = np.arange(layer.num_frames) / _LAYER_FPS
    info = VideoInfo(num_frames=layer.num_frames, fps=_LAYER_FPS, width=size[1], height=size[0], timestamps=times)
    indices, fps = shown_frames(info, look)
    backdrop = torch.tensor(_BACKDROP, dtype=torch.uint8)[:, None, None].expand(3, *size)

    def read(first: int, last: int) -> Tensor:
        places = [index / max(layer.num_frames - 1, 1) for index in indices[first:last]]
        return layer.over(backdrop.expand(last - first, *backdrop.shape), places)

    return Scene(seconds=times[indices].tolist(), fps=fps, size=size, read=read)


def shown_size(size: Size, look: Look) -> Size:
    """Height and width to show, of the same shape, both even as H.264 wants them."""
    longer = max(size)
    side = look.side or min(max(longer, look.smallest), look.largest)
    height, width = (max(2, round(edge * side / longer / 2) * 2) for edge in size)
    return height, width


def shown_frames(info: VideoInfo, look: Look) -> tuple[list[int], float]:
    """Which frames of a video are shown, and at how many a second."""
    times = info.timestamps - info.timestamps[0]
    own = info.fps or look.usual_fps
    length = float(times[-1]) + 1 / own
    if look.frames is not None:
        count = min(look.frames, info.num_frames)
        moments = (np.arange(count) + 0.5) / count * length - 0.5 / own
        return frames_on_screen(times, moments), count / length
    fps = min(own, look.fps or look.usual_fps)
    return frames_on_screen(times, np.arange(max(1, round(length * fps))) / fps), fps


def frames_on_screen(times: Times, moments: Times) -> list[int]:
    """For each moment the last frame that has begun."""
    indices: list[int] = (np.searchsorted(times, moments + _ROUNDING, side="right") - 1).clip(0).tolist()
    return indices
