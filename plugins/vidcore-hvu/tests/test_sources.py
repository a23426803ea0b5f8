"""What is fetched and cut, by files in the official form."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidcore.errors import DataError
from vidcore_hvu.sources import segments, videos

ROWS = "Tags,youtube_id,time_start,time_end\nabseiling|rock,-0Ihi2hRvAk,17,27\nrock,-0Ihi2hRvAk,40,50\n"


def test_each_video_is_fetched_once_and_cut_into_its_clips(tmp_path: Path) -> None:
    folder = tmp_path / "annotations/val"
    folder.mkdir(parents=True)
    (folder / "HVU_Val_V1.0.csv").write_text(ROWS)
    (tmp_path / "annotations/HVU_Tags_Categories_V1.0.csv").write_text("Tag,Category\nrock,object\n")
    assert list(videos(tmp_path)) == [("youtube/-0Ihi2hRvAk.mp4", "https://www.youtube.com/watch?v=-0Ihi2hRvAk")]
    names = [name for *_, name in segments(folder / "HVU_Val_V1.0.csv")]
    assert names == ["-0Ihi2hRvAk_000017_000027", "-0Ihi2hRvAk_000040_000050"]


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("youtube_id,time_start,time_end\nx,one,2\n")
    with pytest.raises(DataError, match=r"list.csv:2: time_start and time_end must be seconds"):
        list(segments(tmp_path / "list.csv"))
    with pytest.raises(DataError, match="fetch the annotations first"):
        videos(tmp_path)
