"""What is fetched and cut, by the official files."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidcore.errors import DataError
from vidcore_kinetics.sources import segments, videos

ROWS = "label,youtube_id,time_start,time_end,split\narchery,-0Ihi2hRvAk,17,27,val\narchery,-0Ihi2hRvAk,40,50,val\n"


def test_each_video_is_fetched_once_and_cut_into_its_clips(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    file = tmp_path / "annotations/val.csv"
    file.write_text(ROWS)
    address = "https://www.youtube.com/watch?v=-0Ihi2hRvAk"
    assert list(videos(tmp_path)) == [("youtube/-0Ihi2hRvAk.mp4", address)]
    assert list(segments(file)) == [
        ("-0Ihi2hRvAk", 17.0, 27.0, "-0Ihi2hRvAk_000017_000027"),
        ("-0Ihi2hRvAk", 40.0, 50.0, "-0Ihi2hRvAk_000040_000050"),
    ]


def test_another_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("path,label\nx,1\n")
    with pytest.raises(DataError, match=r"list.csv:1: the header has no column 'youtube_id'"):
        list(segments(file))
    with pytest.raises(DataError, match=r"has no CSV of Kinetics; fetch the annotations first"):
        videos(tmp_path)
