"""What is fetched and cut, by the official files."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidcore.errors import DataError
from vidcore_ava.sources import kinetics_segments, kinetics_videos, segments, videos


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


def test_clips_of_ava_kinetics_are_cut_around_their_key_frames(tmp_path: Path) -> None:
    folder = tmp_path / "annotations/ava_kinetics_v1_0"
    folder.mkdir(parents=True)
    file = folder / "kinetics_train_v1.0.csv"
    file.write_text("--0F_s,2.5,0.1,0.2,0.3,0.4,9\n--0F_s,2.5,0.5,0.2,0.7,0.4,12\nzzz,65,0.1,0.2,0.3,0.4,9\n")
    assert [path for path, _ in kinetics_videos(tmp_path)] == ["youtube/--0F_s.mp4", "youtube/zzz.mp4"]
    assert list(kinetics_segments(file)) == [
        ("--0F_s", 0.0, 6.0, "--0F_s_000000_000006"),
        ("zzz", 62.0, 68.0, "zzz_000062_000068"),
    ]
    file.write_text("--0F_s,2.5\nzzz,soon\n")
    with pytest.raises(DataError, match=r"kinetics_train_v1.0.csv:2: expected video,second"):
        list(kinetics_segments(file))
