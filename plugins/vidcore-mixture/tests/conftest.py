"""Real videos and pictures of two sources, written once."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from vidcore.testing import make_video
from vidcore.testing.videos import Frame


def grey(index: int, width: int, height: int) -> Frame:
    return np.full((height, width, 3), 60 + 4 * index, np.uint8)


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """a: 4 videos of run, 1 of jump; b: 2 of swim, 1 of run; pictures: 2 of run, 1 of jump."""
    folder = tmp_path_factory.mktemp("sources")
    for name in ("a/run/0", "a/run/1", "a/run/2", "a/run/3", "a/jump/0", "b/swim/0", "b/swim/1", "b/run/0"):
        make_video(folder / f"{name}.mp4", width=48, height=48, num_frames=12, picture=grey)
    for number, name in enumerate(("run/0", "run/1", "jump/0")):
        path = folder / "pictures" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
            stream = container.add_stream("png", rate=1)
            stream.width, stream.height, stream.pix_fmt = 48, 48, "rgb24"
            picture = np.full((48, 48, 3), 50 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
    return folder
