"""Real videos and images, written once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vidcore.testing import make_video
from vidcore.testing.videos import Frame

COLOURS = {"red": (200, 40, 40), "green": (40, 200, 40), "blue": (40, 40, 200)}


def shade(warm: bool) -> Callable[[int, int, int], Frame]:
    """Frames of a warm or a cold grey that become brighter."""

    def frame(index: int, width: int, height: int) -> Frame:
        value = 60 + 12 * index
        return np.full((height, width, 3), (value, value, value // 2) if warm else (value // 2, value, value), np.uint8)

    return frame


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """videos: 12 warm and 12 cold ones; images: 8 each of three colours, and lists of them."""
    folder = tmp_path_factory.mktemp("sources")
    for number in range(12):
        for name in ("warm", "cold"):
            path = folder / "videos" / name / f"{number}.mp4"
            make_video(path, width=48, height=40, num_frames=8 + number % 4, picture=shade(name == "warm"))
    rng, lines = np.random.default_rng(0), []
    for number in range(8):
        for label, (name, colour) in enumerate(COLOURS.items()):
            noise = rng.integers(0, 40, (36 + number, 48, 3))
            path = folder / "images" / name / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((noise + colour).astype(np.uint8)).save(path)
            lines.append(f"{name}/{number}.jpg {label}")
    (folder / "images.txt").write_text("\n".join(lines) + "\n")
    (folder / "colours.txt").write_text("\n".join(COLOURS) + "\n")
    return folder
