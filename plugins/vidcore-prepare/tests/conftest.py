"""Real videos with numbers in their frames, with sound, and videos that are broken."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner, Result

from vidcore.cli.main import cli
from vidcore.testing.made_videos import MadeVideo, h264, numbered_picture

SOUND_RATE = 16_000
Vidcore = Callable[..., Result]


def write_video_with_sound(
    path: Path, num_frames: int = 50, fps: int = 25, codec: str = "aac", rate: int = SOUND_RATE
) -> Path:
    """Frames carry their number; the loudness of the sound is the second that it is heard in, times 0.1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=fps, options=h264())
        video.width, video.height, video.pix_fmt = 160, 96, "yuv420p"
        sound = container.add_stream(codec, rate=rate, layout="mono")
        samples = np.arange(num_frames * rate // fps)
        wave = np.where(samples % 32 < 16, 0.1, -0.1) * (1 + samples // rate)
        for number in range(num_frames):
            frame = av.VideoFrame.from_ndarray(numbered_picture(number, 160, 96), format="rgb24")
            container.mux(video.encode(frame))
            piece = wave[number * rate // fps : (number + 1) * rate // fps]
            heard = av.AudioFrame.from_ndarray((piece * 32767).astype(np.int16)[None], format="s16", layout="mono")
            heard.sample_rate, heard.time_base = rate, Fraction(1, rate)
            heard.pts = number * rate // fps
            container.mux(sound.encode(heard))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    return path


@pytest.fixture
def with_sound() -> Callable[..., Path]:
    """Writes a video with sound, see `write_video_with_sound`."""
    return write_video_with_sound


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """run/a.mp4 and run/b.mp4 without sound, jump/c.mp4 with two seconds of it."""
    folder = tmp_path_factory.mktemp("videos")
    (folder / "run").mkdir()
    for name in "ab":
        MadeVideo(num_frames=20, options=h264()).write(folder / f"run/{name}.mp4")
    write_video_with_sound(folder / "jump/c.mp4")
    return folder


@pytest.fixture
def videos(made_once: Path, tmp_path: Path) -> Path:
    """A copy of them for each test."""
    return Path(shutil.copytree(made_once, tmp_path / "videos"))


@pytest.fixture
def vidcore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vidcore:
    """`vidcore data ...` typed in the test's folder; the exit code is checked."""
    monkeypatch.chdir(tmp_path)

    def call(line: str, exit_code: int = 0) -> Result:
        result = CliRunner().invoke(cli, ["data", *line.split()], catch_exceptions=True)
        error = result.exception
        code = getattr(error, "exit_code", result.exit_code) if not isinstance(error, SystemExit) else result.exit_code
        if error and not isinstance(error, SystemExit) and not hasattr(error, "exit_code"):
            raise error
        assert code == exit_code, f"{result.output}{error}"
        return result

    return call
