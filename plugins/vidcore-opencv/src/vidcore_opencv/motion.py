"""The motion that an encoder stored in a video: of each block, from where in another frame it was taken.

They come with decoding, at no cost, and are no optical flow: an encoder looks for the block that takes the fewest bits.
Frames are those of the built-in decoder, in the same order. Letters: H W pixels, M vectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from attrs import field, frozen
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vidcore.errors import DataError

# What FFmpeg stores motion for; for other codecs there is none to be had.
CODECS = ("h264", "mpeg1video", "mpeg2video", "mpeg4")


@frozen(kw_only=True, eq=False)
class Motion:
    """The motion vectors of a frame; none where it was encoded on its own."""

    size: tuple[int, int]  # height, width of the frame
    centres: NDArray[np.int64] = field(repr=False)  # x, y of the middle of each block in this frame, [M, 2]
    blocks: NDArray[np.int64] = field(repr=False)  # width, height of each block, [M, 2]
    moved: NDArray[np.float32] = field(repr=False)  # x, y from where it was in the other frame to here, [M, 2]
    later: NDArray[np.bool_] = field(repr=False)  # the other frame is a later one, [M]

    def dense(self) -> NDArray[np.float32]:
        """How far each pixel has moved since an earlier frame, `[H, W, 2]`: x to the right, y downwards.

        Blocks without a vector from an earlier frame have not moved.
        """
        height, width = self.size
        flow = np.zeros((height, width, 2), np.float32)
        for (x, y), (w, h), moved, later in zip(self.centres, self.blocks, self.moved, self.later, strict=True):
            if not later:
                left, top = max(x - w // 2, 0), max(y - h // 2, 0)
                flow[top : max(y + (h + 1) // 2, 0), left : max(x + (w + 1) // 2, 0)] = moved
        return flow


def motion_of(path: str | Path) -> Iterator[Motion]:
    """The motion of each frame of a video, in the order shown.

    Raises:
        DataError: It cannot be decoded, or is of a codec that stores no motion.
    """
    try:
        with av.open(str(path)) as container:
            stream = next(iter(container.streams.video), None)
            if stream is None:
                raise DataError(f"{path}: holds no video stream, so there is no motion in it.")
            _check_codec(stream, path)
            stream.codec_context.options = {"flags2": "+export_mvs"}
            for frame in container.decode(stream):
                yield _motion(frame.side_data.get("MOTION_VECTORS"), (frame.height, frame.width))
    except (av.error.FFmpegError, OSError) as error:
        raise DataError(f"{path}: cannot be decoded: {error.strerror or error}.") from error


def _check_codec(stream: VideoStream, path: str | Path) -> None:
    codec = stream.codec_context.name
    if codec not in CODECS:
        raise DataError(
            f"{path}: is {codec}; FFmpeg gives the motion of {', '.join(CODECS)} only. Encode it anew: "
            "ffmpeg -i IN -c:v libx264 OUT.mp4"
        )


def _motion(vectors: Any, size: tuple[int, int]) -> Motion:
    if vectors is None:
        none = np.zeros((0, 2), np.int64)
        return Motion(size=size, centres=none, blocks=none, moved=none.astype(np.float32), later=np.zeros(0, bool))
    rows = vectors.to_ndarray()
    scale = np.maximum(rows["motion_scale"], 1).astype(np.float32)
    # FFmpeg tells where to look in the other frame; from there it has moved here
    moved = -np.stack([rows["motion_x"] / scale, rows["motion_y"] / scale], axis=1)
    return Motion(
        size=size,
        centres=np.stack([rows["dst_x"], rows["dst_y"]], axis=1).astype(np.int64),
        blocks=np.stack([rows["w"], rows["h"]], axis=1).astype(np.int64),
        moved=moved.astype(np.float32),
        later=rows["source"] > 0,
    )
