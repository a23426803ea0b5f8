"""Annotation pickles made here in the exact form of UCF101-24 and JHMDB, over real videos; and wrong ones."""

from __future__ import annotations

import logging
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vidcore.config import Data
from vidcore.data.building import build_dataset
from vidcore.data.video.config import PyAVConfig
from vidcore.errors import DataError
from vidcore.randomness import Purpose, generator
from vidcore.testing import check_dataset, make_video
from vidcore.values import Prediction, SampleRef
from vidcore_detection.datasets import KeyFrameDataset
from vidcore_detection.sampling_config import KeyFrame
from vidcore_tubes.annotations import read_tubes
from vidcore_tubes.config import Tubes
from vidcore_tubes.metric_config import TubeMap
from vidcore_tubes.tube_map import TubeMapMetric

NAME, FRAMES, WIDTH, HEIGHT = "Dive/v_Dive_g01_c01", 24, 64, 48


def tube(first: int, last: int, x: float = 8) -> np.ndarray:
    """Frames from 1, both ends included."""
    frames = np.arange(first, last + 1)
    return np.stack([frames, x + frames * 0.5, 0 * frames + 10, x + 20 + frames * 0.5, 0 * frames + 40], 1).astype(
        np.float32
    )


def annotation(**changes: Any) -> dict[str, Any]:
    table: dict[str, Any] = {
        "labels": ["Dive", "Fence"],
        "train_videos": [[NAME, "Fence/gone"]],
        "test_videos": [[NAME]],
        "nframes": {NAME: FRAMES, "Fence/gone": 5},
        "resolution": {NAME: (HEIGHT, WIDTH), "Fence/gone": (HEIGHT, WIDTH)},
        "gttubes": {NAME: {0: [tube(3, 20)], 1: [tube(18, 22, x=30)]}, "Fence/gone": {1: [tube(1, 5)]}},
    }
    return table | changes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_video(tmp_path / "videos" / f"{NAME}.mp4", num_frames=FRAMES, width=WIDTH, height=HEIGHT)
    return write(tmp_path, annotation())


def write(root: Path, content: Any) -> Path:
    (root / "gt.pkl").write_bytes(pickle.dumps(content))
    return root


def dataset(root: Path, split: str = "val", **options: Any) -> KeyFrameDataset:
    table: dict[str, Any] = {
        "annotations": "gt.pkl",
        "folder": "videos",
        "use": "test",
        "sampling": KeyFrame(num_frames=4, frame_interval=1),
    }
    data = Data(root=str(root), decoder=PyAVConfig(index_cache=False), **{split: Tubes(**(table | options))})
    built = build_dataset(data, split)
    assert isinstance(built, KeyFrameDataset)
    return built


def sample(data: KeyFrameDataset, index: int) -> Any:
    return data.sample(SampleRef("", 0, index), generator(0, Purpose.SAMPLE, index=index))[0]


def test_each_annotated_frame_is_a_key_frame_with_its_persons(root: Path) -> None:
    data = dataset(root)
    assert list(data.classes) == ["Dive", "Fence"] and len(data) == 20  # frames 3 ... 22
    check_dataset(data, indices=(0, 16))
    both = sample(data, 15)
    assert both.meta["key_frame"] == 17 and both.target["persons"].tolist() == [0, 1]
    assert both.target["labels"].tolist() == [[1, 0], [0, 1]]
    pixels = both.target["boxes"] * torch.tensor([WIDTH, HEIGHT, WIDTH, HEIGHT])
    assert pixels.tolist() == [[17, 10, 37, 40], [39, 10, 59, 40]]
    assert len(dataset(root, every=4)) == 5 and len(dataset(root, frames="all")) == FRAMES
    assert sample(dataset(root, frames="all"), 0).target["boxes"].shape == (0, 4)


def test_perfect_answers_are_measured_as_perfect(root: Path) -> None:
    data = dataset(root)
    metric = TubeMapMetric(TubeMap(), data.classes)
    for index in range(len(data)):
        one = sample(data, index)
        outputs = {"boxes": one.target["boxes"], "scores": one.target["labels"] * 0.9}
        metric.update(Prediction(ref=one.ref, outputs=outputs, meta=one.meta), one.target)
    figures = metric.compute()
    assert figures["frame_map"] == 1.0
    assert figures["video_map@0.5"] == 0.5  # the tube of 5 frames is shorter than the 15 that count as one


def test_missing_videos_are_told_and_left_out(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="vidcore.tubes"):
        data = dataset(root, "train", use="train")
    assert "1 of 2 videos of" in caplog.text and len(data) == 20
    assert [one.where for one in data.check()] == [f"{root / 'gt.pkl'}: 'Fence/gone'"]
    with pytest.raises(DataError, match=r'fetch them, or set missing = "skip"; the first one: no file .*Fence/gone'):
        dataset(root, "train", use="train", missing="fail")
    with pytest.raises(DataError, match="1 of 1 videos of .* are not in .*elsewhere; check data.root and 'folder'"):
        dataset(root, folder="elsewhere")


def test_proposals_are_looked_at_where_there_are_some(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = np.array([[0.1, 0.1, 0.4, 0.9, 0.95], [0.5, 0.1, 0.9, 0.9, 0.2], [0.2, 0.1, 0.4, 0.9, 0.99]])
    (root / "persons.pkl").write_bytes(pickle.dumps({f"{NAME}.mp4,0003": rows}))
    with caplog.at_level(logging.WARNING, logger="vidcore.tubes"):
        data = dataset(root, proposals="persons.pkl")
    assert "persons.pkl has no box for 19 of 20 key frames; nobody is seen there" in caplog.text
    assert sample(data, 0).target["proposals"][:, 0].tolist() == pytest.approx([0.2, 0.1])
    assert sample(data, 1).target["proposals"].shape == (0, 4)


def test_proposals_of_other_videos_are_refused(root: Path) -> None:
    (root / "persons.pkl").write_bytes(pickle.dumps({"other,0003": [[0.1, 0.1, 0.5, 0.9, 1.0]]}))
    with pytest.raises(DataError, match=r"for none of the 20 key frames .* such as 'other', frame 3, not 'Dive/v_Dive"):
        dataset(root, proposals="persons.pkl")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ((2, 3, 5.0), r"row 2, \[5\.0, 5\.0, 10\.0, 5\.0, 40\.0\], is an empty box"),
        ((0, 1, -9.0), r"row 0, .* reaches far beyond the frame of 64x48"),
        ((4, 0, 25.0), r"row 4, .* is not of frame 1 \.\.\. 24"),
        ((4, 0, 0.0), r"row 4, .* is not of frame 1 \.\.\. 24"),
        ((1, 2, np.nan), r"row 1, .* has numbers that are not finite"),
        ((1, 0, 3.0), "has 2 boxes in one frame"),
    ],
)
def test_wrong_boxes_are_told_with_their_row_and_left_out_only_when_asked(
    root: Path, change: tuple[int, int, float], text: str
) -> None:
    rows, (place, column, value) = tube(3, 20), change
    rows[place, column] = value
    if column == 3:
        rows[place, 1] = value
    write(root, annotation(gttubes={NAME: {0: [rows], 1: [tube(18, 22, x=30)]}}))
    with pytest.raises(DataError, match=f"{NAME}': tube 0 of label 0: .*{text}"):
        dataset(root)
    data = dataset(root, bad_rows="skip")
    assert len(data) == 5 and [one.level for one in data.check()] == ["error", "warning"]  # Dive is seen no more


def test_a_box_a_little_beyond_the_frame_is_cut_off_with_a_warning(root: Path) -> None:
    rows = tube(3, 20)
    rows[0, 1] = -1
    write(root, annotation(gttubes={NAME: {0: [rows], 1: [tube(18, 22)]}}))
    data = dataset(root)
    assert [one.text for one in data.check()] == ["1 boxes reach beyond the frame; they are cut off there"]
    assert sample(data, 0).target["boxes"][0, 0] == 0


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"labels": None}, "gt.pkl"),
        ({"test_videos": [["Dive/unknown"]]}, "'Dive/unknown' has no number of frames, or no resolution"),
        ({"test_videos": [NAME]}, "test_videos must be a list of lists of names"),
        ({"gttubes": {NAME: {7: [tube(1, 9)]}}}, "the label is no number from 0 to 1"),
        ({"gttubes": {NAME: {0: [[1, 2, 3]]}}}, "tube 0 of label 0: is a list; expected rows of frame, x1, y1, x2, y2"),
        ({"gttubes": {NAME: {0: 5}}}, "label 0 has a int; expected a list of tubes"),
        ({"labels": 2}, "labels must be a list; nframes, resolution and gttubes dicts"),
        ({"nframes": {NAME: float("inf")}}, "has no number of frames, or no resolution: OverflowError"),
        ({"gttubes": {}}, "nobody is annotated in the 1 videos of test that are there"),
    ],
)
def test_pickles_of_another_form_are_refused(root: Path, changes: dict[str, Any], text: str) -> None:
    content = annotation(**changes)
    write(root, {key: value for key, value in content.items() if value is not None})
    with pytest.raises(DataError, match=text):
        dataset(root)


def test_a_split_that_is_not_there_is_told(root: Path) -> None:
    with pytest.raises(DataError, match="has 1 splits; there is no split 3"):
        read_tubes(root / "gt.pkl", "test", 3)


class Hostile:
    def __reduce__(self) -> Any:
        return os.system, ("touch executed",)


def test_a_hostile_pickle_is_refused_and_nothing_runs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    write(root, annotation(gttubes=Hostile()))
    with pytest.raises(DataError, match=r"gt\.pkl"):
        dataset(root)
    assert not (root / "executed").exists()


def test_the_annotation_of_multisports_is_read_whole(shared_data: Path) -> None:
    found = read_tubes(shared_data / "eval_multisports/gt.pkl", "test", 1)
    assert len(found.labels) == 66 and not found.findings
    (video,) = found.videos
    assert (video.num_frames, video.size, len(video.tubes)) == (725, (720, 1280), 8)
