"""Real H.264 files, written once for this folder's tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from vidcore.testing import make_video
from vidcore.testing.videos import Frame


def grey(index: int, width: int, height: int) -> Frame:
    """Frame i is brighter than frame i - 1 by 8 levels; its left half is darker by 40."""
    picture = np.full((height, width, 3), 80 + 8 * index, np.uint8)
    picture[:, : width // 2] -= 40
    return picture


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes with three videos each: down/0.mp4 ... up/2.mp4."""
    folder = tmp_path_factory.mktemp("videos")
    for name in ("down", "up"):
        for i in range(3):
            make_video(folder / name / f"{i}.mp4", num_frames=20 + i, options={"crf": "1"}, picture=grey)
    return folder


@pytest.fixture
def video_folder(made_once: Path, tmp_path: Path) -> Path:
    """A copy of them for each test, which adds lists and broken files."""
    return Path(shutil.copytree(made_once, tmp_path / "videos"))
