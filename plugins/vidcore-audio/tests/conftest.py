"""Real WAV files, and a video with and without sound, written for this folder's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

RATE = 8000


def write_sound(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """Samples `[channels, S]` in -1 ... 1 as 16-bit PCM, in whatever container the suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        layout = {1: "mono", 2: "stereo"}[len(samples)]
        stream = container.add_stream("pcm_s16le", rate=rate, layout=layout)
        packed = (samples.T.reshape(1, -1) * 32767).round().astype(np.int16)
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
        frame.rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def tone(hertz: float, seconds: float, rate: int = RATE) -> np.ndarray:
    """A sine, `[1, S]`."""
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)[None]


@pytest.fixture(scope="session")
def write() -> Callable[..., Path]:
    """`write_sound`, for tests."""
    return write_sound


@pytest.fixture(scope="session")
def sine() -> Callable[..., np.ndarray]:
    """`tone`, for tests."""
    return tone


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Low and high tones of half a second: low/0.wav ... high/3.wav, with list.txt and classes.txt."""
    folder = tmp_path_factory.mktemp("tones")
    rows = []
    for label, (name, hertz) in enumerate((("low", 300), ("high", 1500))):
        for i in range(4):
            write_sound(folder / name / f"{i}.wav", tone(hertz + 40 * i, 0.5))
            rows.append(f"{name}/{i}.wav 25 {label}")
    (folder / "frames.txt").write_text("\n".join(rows))
    (folder / "list.txt").write_text("\n".join(row.replace(" 25 ", " ") for row in rows))
    (folder / "classes.txt").write_text("low\nhigh\n")
    return folder
