"""What is told of a folder of videos."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from PIL import Image

from vidcore.testing.made_videos import MadeVideo, h264
from vidcore_prepare.statistics import measure

Vidcore = Callable[..., Result]


def test_a_video_is_measured_by_its_packets(videos: Path) -> None:
    facts = measure(videos / "jump/c.mp4", "jump/c.mp4")
    assert (facts.frames, facts.width, facts.height, facts.codec, facts.sound) == (50, 160, 96, "h264", "aac")
    assert (facts.seconds, facts.fps) == (pytest.approx(2.0), pytest.approx(25.0))
    assert facts.key_frame_gap == 10.0 and facts.group == "jump"


def test_a_folder_is_told_as_table_and_picture(videos: Path, vidcore: Vidcore) -> None:
    text = vidcore("stats videos stats --workers 1").output
    assert "3 videos" in text and "folder: run 2, jump 1; fewest: 1" in text and "sound: none 2, aac 1" in text
    assert ["frames", "20", "20", "50", "90"] in [line.split() for line in text.splitlines()]
    with Image.open("stats/stats.png") as picture:
        assert picture.width > 1000 and len(picture.convert("RGB").getcolors(1 << 24) or ()) > 50


def test_only_new_and_changed_videos_are_looked_at_again(videos: Path, vidcore: Vidcore) -> None:
    vidcore("stats videos stats --workers 1")
    MadeVideo(num_frames=30, options=h264()).write(videos / "run/a.mp4")
    os.utime(videos / "run/a.mp4", (1, 1))
    text = " ".join(vidcore("stats videos stats --workers 1").output.split())
    assert "1 videos looked at" in text and "2 were there already" in text
    assert json.loads(Path("stats/videos/run/a.mp4.json").read_text())["frames"] == 30


def test_parts_are_told_together(videos: Path, vidcore: Vidcore) -> None:
    assert "2 videos" in vidcore("stats videos stats --workers 1 --part 1/2").output
    assert "3 videos" in vidcore("stats videos stats --workers 1 --part 2/2").output


def test_a_broken_video_is_named(videos: Path, vidcore: Vidcore) -> None:
    (videos / "run/broken.mp4").write_bytes(b"nothing")
    vidcore("stats videos stats --workers 1", exit_code=1)
    assert Path("stats/failed.txt").read_text().startswith("run/broken.mp4\t")
