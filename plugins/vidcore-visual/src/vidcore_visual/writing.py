"""Frames to files: MP4 (H.264), GIF, PNG. A file is written whole or not at all. Letters: T frames, H W pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image
from torch import Tensor

from vidcore.errors import RunError
from vidcore.whole_files import written_whole

FORMATS = (".mp4", ".gif", ".png")
_QUALITY = {"crf": "20", "preset": "medium"}  # letters keep their edges
_GIF_COLOURS = 128


def write_mp4(path: Path, frames: Iterable[Tensor], fps: float) -> None:
    """H.264 that plays everywhere.

    Args:
        path: Where to.
        frames: uint8 `[3, H, W]`, all of one size; both even.
        fps: Frames a second.

    Raises:
        RunError: It cannot be written.
    """

    def write(partial: Path) -> None:
        with av.open(str(partial), "w", format="mp4") as container:
            stream: Any = None
            for picture in map(_pixels, frames):
                if stream is None:
                    stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001),
                                                  options=_QUALITY)  # fmt: skip
                    stream.height, stream.width, stream.pix_fmt = picture.shape[0], picture.shape[1], "yuv420p"
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            if stream is not None:
                container.mux(stream.encode())

    _whole(path, write)


def write_gif(path: Path, frames: Iterable[Tensor], fps: float) -> None:
    """An animation that goes round. Its frame rate is rounded to hundredths of a second a frame.

    Raises:
        RunError: It cannot be written.
    """

    def write(partial: Path) -> None:
        pictures = (Image.fromarray(_pixels(frame)).quantize(_GIF_COLOURS) for frame in frames)
        first = next(pictures)
        duration = max(20, round(100 / fps) * 10)
        first.save(partial, "GIF", save_all=True, append_images=pictures, duration=duration, loop=0, optimize=False)

    _whole(path, write)


def write_png(path: Path, picture: Tensor) -> None:
    """A picture, uint8 `[3, H, W]`.

    Raises:
        RunError: It cannot be written.
    """
    _whole(path, lambda partial: Image.fromarray(_pixels(picture)).save(partial, "PNG"))


def _pixels(frame: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.ascontiguousarray(frame.permute(1, 2, 0).numpy())


def _whole(path: Path, write: Callable[[Path], None]) -> None:
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as partial:
            write(partial)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # av's errors are these too
        raise RunError(f"{path}: cannot be written: {error}; make room or mend its permissions") from error
