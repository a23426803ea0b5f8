"""Videos for docs/skeletons.md: rectangles that the models beside this file take for people.

The models were written by `write_models` of plugins/vidcore-poses/tests/conftest.py.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SIZE, FRAMES = (192, 256), 20


def write(path: Path, jumps: bool, start: int) -> None:
    """Somebody red, who jumps up and down or moves to the right."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = *SIZE, "yuv420p"
        for number in range(FRAMES):
            x, y = (start, 60 - 20 * (number % 4 // 2)) if jumps else (start + 3 * number, 60)
            picture = np.full((*SIZE, 3), 60, np.uint8)
            picture[y : y + 90, x : x + 40] = (255, 0, 0)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


for index, name in enumerate(
    ("train/wave/a", "train/wave/b", "train/jump/c", "train/jump/d", "val/wave/x", "val/jump/y")
):
    write(Path("videos") / f"{name}.mp4", "jump" in name, 20 + 15 * index)
