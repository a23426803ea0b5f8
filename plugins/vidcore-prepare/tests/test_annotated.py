"""Clips that the annotations of data sets without a plugin name, by files in their form."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from vidcore.errors import DataError
from vidcore.testing.made_videos import MadeVideo, decode_all, h264, read_number
from vidcore_prepare import gym, omnisource
from vidcore_prepare.sources import installed_sources

Vidcore = Callable[..., Result]
STAGES = [[0.2, 0.36], [0.36, 0.6]]
FLOOR = {"event": 1, "timestamps": [[0.4, 3.0]], "segments": {"A_0000_0001": {"timestamps": STAGES}}}
GYM = {"film": {"E_000000_000003": FLOOR, "E_000005_000006": {"event": 2, "timestamps": [[5, 6]], "segments": None}}}


def test_elements_of_gym_are_cut_from_their_first_stage_to_their_last(tmp_path: Path, vidcore: Vidcore) -> None:
    (tmp_path / "annotations").mkdir()
    (tmp_path / "youtube").mkdir()
    file = tmp_path / "annotations/finegym_annotation_info_v1.0.json"
    file.write_text(json.dumps(GYM))
    assert list(gym.videos(tmp_path)) == [("youtube/film.mp4", "https://www.youtube.com/watch?v=film")]
    MadeVideo(num_frames=50, options=h264()).write(tmp_path / "youtube/film.mp4")
    vidcore(f"trim gym {file} youtube elements --workers 1")
    (clip,) = (tmp_path / "elements").glob("*.mp4")
    assert clip.name == "film_E_000000_000003_A_0000_0001.mp4"
    assert [read_number(picture) for picture in decode_all(clip)] == list(range(15, 25))  # 0.6 to 1.0 s at 25 a second


def test_whole_videos_of_omnisource_become_pieces_of_ten_seconds(tmp_path: Path, vidcore: Vidcore) -> None:
    file = tmp_path / "raw.json"
    file.write_text(json.dumps([{"video_dir": "pref_/abc", "label": 1, "num_clips": 2, "positive_clip_inds": [0]}]))
    (tmp_path / "raw/pref_").mkdir(parents=True)
    MadeVideo(num_frames=260, options=h264()).write(tmp_path / "raw/pref_/abc.mp4")
    vidcore(f"trim omnisource {file} raw pieces --workers 1")
    lengths = [len(decode_all(tmp_path / f"pieces/pref_/abc/part_{i}.mp4")) for i in range(2)]
    assert lengths == [250, 10]  # at 25 a second


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"film": {"E_1": {"timestamps": [[0, 1]], "segments": {"A_1": {}}}}}, "film: E_1: expected timestamps"),
        ([1], "expected video -> event"),
    ],
)
def test_another_annotation_than_that_of_gym_is_refused(tmp_path: Path, content: object, text: str) -> None:
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=text):
        list(gym.segments(tmp_path / "a.json"))


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"video_dir": "a", "label": 0, "num_clips": 1, "positive_clip_inds": [1]}, "entry 1: positive_clip_inds"),
        ({"video_dir": "../a", "label": 0, "num_clips": 1, "positive_clip_inds": []}, "lies outside"),
        ({"video_dir": "a"}, "entry 1: KeyError: 'label'"),
        ("a", "entry 1: TypeError"),
    ],
)
def test_another_annotation_than_that_of_omnisource_is_refused(tmp_path: Path, entry: object, text: str) -> None:
    (tmp_path / "a.json").write_text(json.dumps([entry]))
    with pytest.raises(DataError, match=text):
        list(omnisource.segments(tmp_path / "a.json"))


def test_every_data_set_that_can_be_fetched_names_its_files_and_its_page() -> None:
    sources = installed_sources().by_name
    assert sources.keys() >= {"ucf101", "hmdb51", "sthv2", "diving48", "gym", "omnisource"}
    for name, source in sources.items():
        assert source.summary and source.licence and source.home.startswith("http"), name
        assert source.videos or source.by_hand, name
        assert all(file.url.startswith("http") for file in source.files), name
