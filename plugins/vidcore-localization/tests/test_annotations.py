"""What annotation and feature files may look like, and what is told where they are wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vidcore.errors import DataError
from vidcore_localization.annotations import read_annotations
from vidcore_localization.class_names import named_in
from vidcore_localization.features import read_features, resample


def written(folder: Path, content: Any) -> Path:
    path = folder / "anno.json"
    path.write_text(json.dumps(content))
    return path


def row(*segments: Any, seconds: Any = 10.0, **more: Any) -> dict[str, Any]:
    annotations = [{"segment": segment, "label": "run"} for segment in segments]
    return {"duration_second": seconds, "annotations": annotations, **more}


def test_the_official_form_is_read_too(tmp_path: Path) -> None:
    video = {"duration": 8.0, "subset": "training", "annotations": [{"segment": [1, 2], "label": "run"}]}
    other = {"duration": 9.0, "subset": "testing", "annotations": []}
    path = written(tmp_path, {"version": "1.3", "database": {"a": video, "b": other}})
    (found,) = read_annotations(path, "training").videos
    assert (found.name, found.seconds, found.segments, found.labels) == ("a", 8.0, ((1.0, 2.0),), ("run",))
    with pytest.raises(DataError, match="no video belongs to subset 'train'; subsets: testing, training"):
        read_annotations(path, "train")


def test_features_cover_a_part_of_the_video(tmp_path: Path) -> None:
    path = written(tmp_path, {"a": row(duration_frame=300, feature_frame=288)})
    assert read_annotations(path).videos[0].covered == pytest.approx(9.6)


def test_segments_that_cannot_be_are_left_out_and_told(tmp_path: Path) -> None:
    path = written(tmp_path, {"a": row([3, 2], [11, 12], [1, 10.5], [4, 4], [-3, -1], [-1, 2])})
    found = read_annotations(path)
    assert found.videos[0].segments == ((1.0, 10.5), (-1.0, 2.0))
    assert [finding.where for finding in found.findings] == [f"{path}: a"] * 6
    assert "segment 4 ('run', 4 ... 4 s) ends when it starts; it is left out" in found.findings[3].text
    assert "segment 5 ('run', -3 ... -1 s) lies outside the video" in found.findings[4].text
    assert "reaches beyond the video of 10 s; it is kept" in found.findings[5].text
    assert "segment 1 ('run', 3 ... 2 s) ends before it starts" in found.findings[0].text
    assert "lies outside the video of 10 s" in found.findings[1].text
    assert "segment 3 ('run', 1 ... 10.5 s) reaches beyond the video of 10 s" in found.findings[2].text


@pytest.mark.parametrize(
    ("video", "told"),
    [
        (row([1, float("nan")]), r"a: segment 1 should be \[start, end\] in seconds"),
        (row([1]), r"a: segment 1 should be \[start, end\] in seconds, is \[1\]"),
        (row(seconds="long"), "a: 'duration_second' should be a number of seconds above 0, is 'long'"),
        ({"duration_second": 1, "annotations": [{"segment": [0, 1]}]}, "a: segment 1 has no label"),
        (row(feature_frame=0), "a: 'feature_frame' should be a number of frames above 0, is 0"),
        ([], "a: should be a table, is list"),
    ],
)
def test_wrong_rows_are_told_with_video_and_value(tmp_path: Path, video: Any, told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_annotations(written(tmp_path, {"a": video, "b": row([0, 1])}))


def test_every_wrong_row_is_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, {name: row(seconds=-1) for name in "abc"})
    with pytest.raises(DataError) as raised:
        read_annotations(path)
    assert len(str(raised.value).splitlines()) == 3


@pytest.mark.parametrize("suffix", [".csv", ".npy", ".npz"])
def test_features_are_read_from_every_kind_of_file(tmp_path: Path, suffix: str) -> None:
    values, path = np.arange(6, dtype=np.float32).reshape(3, 2), tmp_path / f"a{suffix}"
    if suffix == ".csv":
        path.write_text("f0,f1\n" + "\n".join(",".join(map(str, line)) for line in values))
    elif suffix == ".npy":
        np.save(path, values)
    else:
        np.savez(path, features=values)
    assert read_features(path).tolist() == [[0, 2, 4], [1, 3, 5]]
    assert read_features(path, "channels-first").tolist() == values.tolist()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it has no row of numbers"),
        ("a,b\n\n", "it has no row of numbers"),
        ("a,b\n1,2\n3\n", "is no table of numbers"),
    ],
)
def test_feature_text_without_rows_or_with_rows_of_other_length_is_told(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=rf"a\.csv: .*{told}"):
        read_features(tmp_path / "a.csv")


def test_features_too_large_for_single_precision_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,2\n1,1e300\n")
    with pytest.raises(DataError, match=r"a\.csv: row 2, column 2 is 1e\+300"):
        read_features(tmp_path / "a.csv")


@pytest.mark.parametrize(
    "content", [{"database": 3}, {"a": {"annotations": 3}}, {"a": {"annotations": [{"label": []}]}}]
)
def test_class_names_of_a_broken_file_are_left_to_its_reader(content: Any) -> None:
    assert named_in(content) == ()
    assert named_in({"b": row([1, 2])} | content) == (() if "database" in content else ("run",))


def test_features_that_are_not_finite_are_told_by_row(tmp_path: Path) -> None:
    values = np.zeros((4, 3))
    values[2, 1] = np.nan
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(DataError, match=r"a\.npy: row 3, column 2 is nan"):
        read_features(tmp_path / "a.npy")


def test_a_pickle_in_a_feature_file_is_not_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"x": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"a\.npy: is no table of numbers"):
        read_features(tmp_path / "a.npy")


def test_resampling_averages_long_videos_and_interpolates_short_ones() -> None:
    ramp = torch.arange(8.0)[None]
    assert resample(ramp, 4).tolist() == [[0.5, 2.5, 4.5, 6.5]]
    assert resample(torch.tensor([[0.0, 1.0]]), 4).tolist() == [[0.0, 0.25, 0.75, 1.0]]
