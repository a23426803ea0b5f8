"""`vidcore draw`, from a file of predictions to videos, animations and pictures."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from vidcore.engine.predictions import Predictions, write_predictions
from vidcore.errors import ConfigError, RunError
from vidcore.testing import make_video
from vidcore.values import Prediction, SampleRef
from vidcore_visual.commands import draw
from vidcore_visual.writing import write_png

FRAMES, WIDTH, HEIGHT, FPS = 20, 64, 48, 10


@pytest.fixture
def said(tmp_path: Path) -> Path:
    """Predictions for two videos that are there, and one that is not."""
    samples = []
    for index, name in enumerate(("jump", "run", "gone")):
        path = tmp_path / "videos" / f"{name}.mp4"
        if name != "gone":
            make_video(path, num_frames=FRAMES, width=WIDTH, height=HEIGHT, fps=FPS)
        scores = torch.tensor([0.9, 0.1]).roll(index)
        samples.append(
            (Prediction(ref=SampleRef("", 0, index), outputs={"scores": scores}, meta={"path": str(path)}), {})
        )
    file = tmp_path / "said.jsonl"
    table = {"type": "recognition"}
    write_predictions(file, Predictions(split="val", task=table, classes=("jump", "run"), samples=samples))
    return file


def vidcore_draw(*arguments: object) -> Result:
    return CliRunner().invoke(draw, [str(one) for one in arguments])


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_every_frame_is_painted_and_a_video_that_is_gone_is_named(said: Path, tmp_path: Path) -> None:
    done = vidcore_draw(said, "-o", tmp_path / "drawn")
    assert done.exit_code == 1
    assert "gone: its video is not where it was; say in which folder with --videos" in done.stderr
    assert done.stdout.splitlines() == [str(tmp_path / "drawn" / name) for name in ("jump.mp4", "run.mp4")]
    painted = pictures(tmp_path / "drawn/jump.mp4")
    assert len(painted) == FRAMES and painted[0].shape == (240, 320, 3)  # small videos are shown larger
    panel = [frame[236, 10].astype(int) for frame in painted]  # the margin below the last bar
    assert all(colour.max() < 60 for colour in panel)
    with av.open(str(tmp_path / "drawn/jump.mp4")) as container:
        assert container.streams.video[0].average_rate == FPS


def test_animation_and_sheet(said: Path, tmp_path: Path) -> None:
    for name, options in (("a.gif", ["--fps", "4"]), ("a.png", ["--frames", "6", "--side", "160"])):
        assert vidcore_draw(said, "-o", tmp_path / name, "--only", "run", *options).exit_code == 0
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 8 and gif.info["duration"] == 250 and gif.info["loop"] == 0
    with Image.open(tmp_path / "a.png") as sheet:
        assert sheet.size == (3 * 160 + 4 * 6, 2 * 120 + 3 * 6)


def test_videos_that_moved_are_found_by_name(said: Path, tmp_path: Path) -> None:
    (tmp_path / "videos").rename(tmp_path / "elsewhere")
    deeper = tmp_path / "elsewhere/b"
    deeper.mkdir()
    (tmp_path / "elsewhere/run.mp4").rename(deeper / "run.mp4")
    options = ["--only", "run", "--format", "png", "--frames", "1", "--videos", tmp_path / "elsewhere"]
    assert vidcore_draw(said, "-o", tmp_path / "drawn", *options).exit_code == 0
    assert (tmp_path / "drawn/run.png").is_file()


def test_what_is_left_out_is_told(said: Path, tmp_path: Path) -> None:
    done = vidcore_draw(said, "-o", tmp_path / "drawn", "--limit", "1", "--format", "png", "--frames", "1")
    assert "1 of 3 videos are drawn; --limit 0 draws all" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "all.mp4"], "one file for 3 videos; give a folder, or --limit 1"),
        (["-o", "x.avi"], "files end with .mp4, .gif, .png; or give a folder"),
        (["-o", "x.gif", "--format", "png", "--limit", "1"], "ends otherwise than --format png"),
        (["--only", "swim"], "no video is called so; there are jump, run, gone"),
        (["other.jsonl"], "one file of predictions, or videos; got 2 sources"),
    ],
)
def test_wrong_options_are_told(said: Path, arguments: list[str], message: str) -> None:
    error = vidcore_draw(said, *arguments).exception
    assert isinstance(error, ConfigError) and message in str(error)


def test_videos_without_a_model_are_refused() -> None:
    error = vidcore_draw("clip.mp4").exception
    assert isinstance(error, ConfigError) and "who looks at these videos? Give --run FOLDER" in str(error)


def test_a_file_that_cannot_be_written_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.png").mkdir()
    with pytest.raises(RunError, match=r"x\.png: cannot be written"):
        write_png(tmp_path / "x.png", torch.zeros(3, 4, 4, dtype=torch.uint8))
    assert [one.name for one in tmp_path.iterdir()] == ["x.png"]


def test_nothing_stays_of_a_video_whose_frames_end_early(said: Path, tmp_path: Path) -> None:
    path = tmp_path / "videos/jump.mp4"
    path.write_bytes(path.read_bytes()[:-400])
    done = vidcore_draw(said, "-o", tmp_path / "drawn", "--only", "jump")
    assert done.exit_code == 1 and "jump" in done.stderr
    assert not list((tmp_path / "drawn").glob("*.tmp"))
