"""What is fetched and cut, by the official files."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidcore.errors import DataError
from vidcore_ava.sources import segments, videos


def test_films_are_fetched_and_their_annotated_minutes_cut(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/ava_file_names_trainval_v2.1.txt").write_text("-5KQ66BBWC4.mkv\n053oq2xB3oU.mkv\n")
    assert next(iter(videos(tmp_path))) == (
        "films/-5KQ66BBWC4.mkv",
        "https://s3.amazonaws.com/ava-dataset/trainval/-5KQ66BBWC4.mkv",
    )
    file = tmp_path / "val.csv"
    file.write_text("-5KQ66BBWC4,0902,0.1,0.2,0.3,0.4,9,1\n-5KQ66BBWC4,0903,0.1,0.2,0.3,0.4,9,1\n")
    assert list(segments(file)) == [("-5KQ66BBWC4", 900.0, 1801.0, "-5KQ66BBWC4")]


def test_without_the_list_of_films_nothing_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="list of films"):
        videos(tmp_path)
