"""Real H.264 files, written once for this folder's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

MakeVideo = Callable[..., Path]


def write_video(path: Path, num_frames: int = 24, width: int = 64, height: int = 48, level: int = 0) -> Path:
    """An H.264 video. Frame i is grey, brighter than frame i - 1 by 8 levels; its left half is darker by 40."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=12, options={"crf": "1", "g": "8"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv444p"
        for i in range(num_frames):
            pixels = np.full((height, width, 3), (50 + level + 8 * i) % 256, np.uint8)
            pixels[:, : width // 2] = np.maximum(pixels[:, : width // 2], 40) - 40
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


@pytest.fixture(scope="session")
def video_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes with three videos each: up/0.mp4 ... down/2.mp4, and odd ones in odd/."""
    folder = tmp_path_factory.mktemp("videos")
    for label, name in enumerate(("down", "up")):
        for i in range(3):
            write_video(folder / name / f"{i}.mp4", num_frames=20 + i, level=10 * (3 * label + i))
    return folder
