"""The published sets: what is known before the data is there, and skeletons of Kinetics."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidcore.config.experiment import Data
from vidcore.data.building import build_dataset
from vidcore.data.video.config import PyAVConfig
from vidcore.errors import DataError
from vidcore.randomness import Purpose, generator
from vidcore.testing import check_dataset
from vidcore.values import SampleRef
from vidcore_ntu.config import PackedSkeletons, SkeletonSet
from vidcore_ntu.packed_table import read_packed
from vidcore_ntu.sets import SETS, class_names
from vidcore_skeleton.sampling_config import EveryFrame, UniformDraws

SAMPLING = UniformDraws(num_frames=8)


def build(root: Path, config: Any) -> Any:
    return build_dataset(Data(root=str(root), val=config, decoder=PyAVConfig()), "val")


@pytest.mark.parametrize("name", SETS)
def test_classes_are_known_without_data(name: str, tmp_path: Path) -> None:
    names = class_names(name)
    assert len(set(names)) == len(names) == SETS[name].count
    if name != "kinetics400":
        assert SkeletonSet(set=name, annotations="x.pkl", sampling=SAMPLING).facts(tmp_path).classes == names


def test_names_stand_at_their_labels() -> None:
    assert [class_names("ntu120")[label] for label in (0, 57, 60, 111, 119)] == [
        "drink water", "handshaking", "put on headphone", "high-five",
        "finger-guessing game (playing rock-paper-scissors)",
    ]  # fmt: skip
    assert class_names("babel60") == class_names("babel120")[:60]
    assert class_names("hmdb51")[:2] == ("brush_hair", "cartwheel")


def test_a_split_that_the_set_does_not_have_is_told_before_data_is_read() -> None:
    with pytest.raises(ValueError, match="ntu120 has no split 'xview_train'.*xset_train"):
        SkeletonSet(set="ntu120", split="xview_train", annotations="x.pkl", sampling=SAMPLING)


def test_set_is_read_with_its_classes(tmp_path: Path) -> None:
    row = {"frame_dir": "a", "label": 3, "total_frames": 9, "keypoint": np.ones((1, 9, 25, 3), np.float16)}
    content = {"split": {"xsub_val": ["a"]}, "annotations": [row]}
    (tmp_path / "ntu60_3d.pkl").write_bytes(pickle.dumps(content))
    data = build(tmp_path, SkeletonSet(set="ntu60", split="xsub_val", annotations="ntu60_3d.pkl", sampling=SAMPLING))
    check_dataset(data)
    assert len(data.classes) == 60


def packed(folder: Path, **changes: Any) -> np.ndarray[Any, Any]:
    """Two videos: in `a` two people in frame 0, one in frame 2 of 4; in `b` nobody is certain."""
    rows = np.random.default_rng(0).uniform(1, 100, (3, 17, 3)).astype(np.float32)
    row = {
        "frame_dir": "a", "filename": "a.pkl", "label": 7, "img_shape": (100, 200), "total_frames": 4,
        "frame_inds": np.array([0, 0, 2], np.int16), "box_score": np.array([0.95, 0.8, 0.9], np.float16),
        "valid@0.5": 2, "valid@0.9": 2,
    } | changes  # fmt: skip
    other = row | {"frame_dir": "b", "filename": "b.pkl", "valid@0.5": 1, "valid@0.9": 0}
    (folder / "list.pkl").write_bytes(pickle.dumps([row, other]))
    (folder / "poses").mkdir(exist_ok=True)
    (folder / "poses" / "a.pkl").write_bytes(pickle.dumps({"keypoint": rows}))
    return rows


def table(**options: Any) -> PackedSkeletons:
    return PackedSkeletons(annotations="list.pkl", folder="poses", sampling=EveryFrame(), **options)


def read(data: Any, index: int = 0) -> Any:
    (sample,) = data.sample(SampleRef("", 0, index), generator(0, Purpose.SAMPLE, index=index))
    return sample


def test_loose_people_become_sequences(tmp_path: Path) -> None:
    rows = packed(tmp_path)
    data = build(tmp_path, table(box_score=0.9, valid=0.5))
    assert (len(data), len(data.classes), read(data).target) == (1, 400, {"label": 7})
    pose = read(data).inputs["pose"][0].numpy()  # [M, T, V, 3]
    np.testing.assert_allclose(pose[0], rows[[0, 2]], rtol=1e-6)
    assert not pose[1].any()
    (finding,) = (one for one in data.check() if one.level == "warning" and "do not count" in one.text)
    assert "1 videos have somebody in less than 50%" in finding.text
    whole = read(build(tmp_path, table(squeeze=False))).inputs["pose"][0].numpy()
    assert whole.shape == (2, 4, 17, 3)
    np.testing.assert_allclose(whole[1, 0], rows[1], rtol=1e-6)


def test_who_is_kept_of_too_many_is_told_by_the_parts_that_count(tmp_path: Path) -> None:
    rows = packed(tmp_path)
    rows[:2, :, 2] = 10
    rows[0, :5, 2], rows[1, 7:11, 2] = 90, 80  # a sure face; sure arms
    (tmp_path / "poses" / "a.pkl").write_bytes(pickle.dumps({"keypoint": rows}))
    for of_parts, who in (((1.0, 2.0, 3.0), 1), ((3.0, 2.0, 1.0), 0)):
        pose = read(build(tmp_path, table(persons=1, part_weights=of_parts))).inputs["pose"][0].numpy()
        np.testing.assert_allclose(pose[0, 0], rows[who], rtol=1e-6)


def test_published_list_of_kinetics_is_read(shared_data: Path) -> None:
    config = PackedSkeletons(annotations="sample.pkl", sampling=EveryFrame(), box_score=0.5, valid=0.4)
    table = read_packed(shared_data / "annotations" / "sample.pkl", shared_data, config)
    assert 0 < len(table) < 100 and len(table) + table.left_out == 100
    assert (table.rows[0].file, table.rows[0].num_frames, int(table.rows[0].kept.sum())) == (
        "jf7RDuUTrsQ.pkl",
        300,
        260,
    )


@pytest.mark.parametrize(
    ("changes", "options", "text"),
    [
        ({"frame_inds": np.array([0, 0, 9])}, {}, r"row 0: frame_inds tells of frames outside 0 \.\.\. 4"),
        ({"frame_inds": None}, {}, "row 0: expected whole numbers 'total_frames' and 'frame_inds'"),
        ({"box_score": np.ones(2)}, {"box_score": 0.5}, "row 0: 'box_score' does not tell one score for each of 3"),
        ({"label": "run"}, {}, "row 0: label is 'run'"),
        ({"img_shape": 240}, {}, "row 0: img_shape is 240; expected height and width"),
        ({"total_frames": None}, {"box_score": 0.5, "valid": 0.1}, "row 0: expected whole numbers 'total_frames'"),
        ({}, {"box_score": 0.6, "valid": 0.1}, "row 0 does not tell how many frames are valid at 0.6"),
        ({}, {"box_score": 0.9, "valid": 0.9}, "no video has somebody in 90% of its frames"),
    ],
)
def test_wrong_rows_are_told(tmp_path: Path, changes: Any, options: Any, text: str) -> None:
    packed(tmp_path, **changes)
    with pytest.raises(DataError, match=text):
        build(tmp_path, table(**options))


class Hostile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_pickle_of_a_video_is_read_as_data(tmp_path: Path) -> None:
    packed(tmp_path)
    data = build(tmp_path, table())
    with pytest.raises(DataError, match=r"b\.pkl.* cannot be read"):
        read(data, 1)
    (tmp_path / "poses" / "b.pkl").write_bytes(pickle.dumps(Hostile(tmp_path / "owned")))
    with pytest.raises(DataError, match="mkdir"):
        read(data, 1)
    (tmp_path / "poses" / "b.pkl").write_bytes(pickle.dumps({"b": {"keypoint": np.ones((2, 17, 3))}}))
    with pytest.raises(DataError, match="the pickle has 2 people, frame_inds tells of 3"):
        read(data, 1)
    (tmp_path / "poses" / "b.pkl").write_bytes(pickle.dumps({"b": {"keypoint": np.full((3, 17, 3), np.nan)}}))
    with pytest.raises(DataError, match="row 0 of the pickle, somebody in frame 0, has joints that are not finite"):
        read(data, 1)
    assert not (tmp_path / "owned").exists()
