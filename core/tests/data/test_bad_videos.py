from __future__ import annotations

from pathlib import Path

import pytest

from vidcore.data.bad_videos import BadVideo, BadVideos
from vidcore.errors import RunError

GONE = BadVideo(3, "a.mp4 (list.txt:4)", "a.mp4: not a video:\nno header")
EMPTY = BadVideo(5, "b.mp4 (list.txt:6)", "b.mp4 is empty")


def test_bad_videos_are_listed_once_with_the_reason_over_all_attempts(tmp_path: Path) -> None:
    file = tmp_path / "bad_videos.txt"
    for _ in range(2):  # a run that was killed meets them again
        bad = BadVideos(action="replace", num_samples=10, file=file)
        bad.add([GONE, EMPTY])
        bad.add([GONE])
    lines = ["a.mp4 (list.txt:4)\ta.mp4: not a video: no header", "b.mp4 (list.txt:6)\tb.mp4 is empty"]
    assert file.read_text().splitlines() == lines


def test_the_list_is_written_before_too_many_stop_the_run(tmp_path: Path) -> None:
    bad = BadVideos(action="skip", num_samples=10, max_fraction=0.1, file=tmp_path / "bad_videos.txt")
    bad.add([GONE])
    with pytest.raises(RunError, match="2 of 10 videos cannot be read, more than data.max_bad_fraction = 0.1"):
        bad.add([EMPTY])
    assert "b.mp4 is empty" in (tmp_path / "bad_videos.txt").read_text()


def test_without_bad_videos_there_is_no_list(tmp_path: Path) -> None:
    BadVideos(action="replace", num_samples=10, file=tmp_path / "bad_videos.txt").add([])
    assert not list(tmp_path.iterdir())
