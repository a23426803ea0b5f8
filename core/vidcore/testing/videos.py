"""Small real videos for tests, made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]


def moving_square(index: int, width: int, height: int) -> Frame:
    """A bright square on its way from left to right over a dim gradient, `[H, W, 3]`."""
    frame = np.zeros((height, width, 3), np.uint8)
    frame[..., 2] = np.linspace(0, 80, width, dtype=np.uint8)
    side = max(2, min(width, height) // 4)
    left = (index * max(1, width // 16)) % max(1, width - side)
    top = (height - side) // 2
    frame[top : top + side, left : left + side] = (220, 180, 40)
    return frame


def make_video(
    path: str | Path,
    *,
    num_frames: int = 16,
    width: int = 64,
    height: int = 48,
    fps: int = 10,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    picture: Callable[[int, int, int], Frame] = moving_square,
) -> Path:
    """Write a video file and return its path.

    Args:
        path: Where to; the ending names the container.
        num_frames: Frames, at least 1.
        width: Pixels, even.
        height: Pixels, even.
        fps: Frames a second.
        codec: FFmpeg's name of an encoder.
        options: Options of the encoder.
        picture: (index, width, height) -> RGB `[H, W, 3]`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=fps, options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(num_frames):
            frame = av.VideoFrame.from_ndarray(picture(index, width, height), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
