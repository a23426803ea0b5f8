"""The data sets: what they read, and what they say of data that is wrong."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vidcore.config.base import Views
from vidcore.config.experiment import Data
from vidcore.config.structure import structure
from vidcore.data.building import build_dataset
from vidcore.data.video.config import PyAVConfig
from vidcore.errors import DataError
from vidcore.plugins import build, host
from vidcore.randomness import Purpose, generator
from vidcore.testing import check_dataset
from vidcore.values import SampleRef
from vidcore_recognition.config import Recognition
from vidcore_skeleton.config import SkeletonList, SkeletonPickle, SkeletonReader
from vidcore_skeleton.files import read_skeleton, write_skeleton
from vidcore_skeleton.sampling_config import UniformDraws
from vidcore_skeleton.skeletons import Skeleton
from vidcore_skeleton.transform_config import Normalize2d, RandomScale, Streams


def annotation(name: str, label: Any = 0, frames: int = 20, **changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(len(name))
    shape = (1, frames, 17, 2)
    row = {
        "frame_dir": name,
        "label": label,
        "total_frames": frames,
        "img_shape": (100, 200),
        "keypoint": rng.uniform(1, 100, shape).astype(np.float16),
        "keypoint_score": rng.uniform(0, 1, shape[:3]).astype(np.float16),
    }
    return row | changes


def pickled(folder: Path, rows: list[dict[str, Any]], **splits: list[str]) -> Path:
    content = {"split": splits, "annotations": rows} if splits else rows
    (folder / "poses.pkl").write_bytes(pickle.dumps(content))
    return folder


def dataset(root: Path, use: str = "train", **options: Any) -> Any:
    config = SkeletonPickle(annotations="poses.pkl", sampling=UniformDraws(num_frames=8), **options)
    return build_dataset(Data(root=str(root), decoder=PyAVConfig(), **{use: config}), use)


def read(data: Any, index: int = 0, epoch: int = 0) -> Any:
    (sample,) = data.sample(SampleRef("", epoch, index), generator(0, Purpose.SAMPLE, epoch, index=index))
    return sample


def test_split_of_a_pickle_becomes_samples_of_two_persons_with_confidence(tmp_path: Path) -> None:
    rows = [annotation("a", 1), annotation("b", 3), annotation("c", 2)]
    data = dataset(pickled(tmp_path, rows, train=["a", "c"], val=["b"]), split="train")
    check_dataset(data, (0, 1))
    assert (len(data), data.classes) == (2, ("0", "1", "2", "3"))  # of the whole file
    sample = read(data, 1)
    assert sample.target == {"label": 2}
    assert sample.inputs["pose"].shape == (1, 2, 8, 17, 3)
    assert not sample.inputs["pose"][:, 1].any()


def test_transforms_come_before_frames_are_sampled(tmp_path: Path) -> None:
    rows = [annotation("a")]
    transforms = {"normalize": Normalize2d(), "streams": Streams(streams=("joint", "joint-motion"))}
    data = dataset(pickled(tmp_path, rows), "test", transforms=transforms, persons=1)
    pose = read(data).inputs["pose"][0, 0].numpy()
    joints = (rows[0]["keypoint"][0].astype(np.float32) - (100, 50)) / (100, 50)  # of the image's own size
    distance = np.abs(joints[None] - pose[:, None, :, :2]).max(axis=(2, 3))
    frames = distance.argmin(axis=1)
    assert distance.min(axis=1).max() < 1e-5
    steps = np.diff(joints, axis=0, append=joints[-1:])
    np.testing.assert_allclose(pose[..., 3:5], steps[frames], atol=1e-5)


def test_testing_repeats_itself_and_training_follows_the_epoch(tmp_path: Path) -> None:
    root = pickled(tmp_path, [annotation("a", frames=50)])
    scale = {"scale": RandomScale()}
    train, test = dataset(root, "train", transforms=scale), dataset(root, "test", transforms=scale)
    poses = [read(data, epoch=epoch).inputs["pose"] for data in (train, test) for epoch in (0, 1)]
    assert not torch.equal(poses[0], poses[1])
    assert torch.equal(poses[2], poses[3])
    assert torch.equal(read(train).inputs["pose"], poses[0])


def test_an_epoch_may_go_through_the_data_several_times(tmp_path: Path) -> None:
    data = dataset(pickled(tmp_path, [annotation("a", 0), annotation("b", 1)]), times=3)
    assert len(data) == 6
    assert [read(data, i).target["label"] for i in range(6)] == [0, 1, 0, 1, 0, 1]
    assert not torch.equal(read(data, 0).inputs["pose"], read(data, 2).inputs["pose"])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"keypoint": np.zeros((0, 20, 17, 2))}, "no person or no frame"),
        ({"keypoint": np.full((1, 20, 17, 2), np.nan, np.float32)}, "first person 0, frame 0, joint 0"),
        ({"keypoint": np.zeros((20, 17, 2))}, r"expected numbers \[persons, frames, joints, channels\]"),
        ({"keypoint_score": np.full((1, 20, 17), np.nan, np.float32)}, "340 joints are not finite, first person 0"),
        ({"keypoint_score": np.zeros((1, 19, 17))}, r"keypoint_score is float64 \[1, 19, 17\]"),
        ({"keypoint_score": np.full((1, 20, 17), 1j)}, r"keypoint_score is complex128 \[1, 20, 17\]; expected numbers"),
        ({"img_shape": (np.nan, 200)}, r"img_shape is \(nan, 200\); expected height and width"),
        ({"img_shape": "100x200"}, "img_shape is '100x200'"),
        ({"img_shape": np.array("100x200")}, r"img_shape is array\('100x200'"),
        ({"total_frames": np.array([20, 20])}, r"total_frames is \[20 20\], but keypoint has 20 frames"),
        ({"total_frames": 21}, "total_frames is 21, but keypoint has 20 frames"),
        ({"label": "wave"}, "label is 'wave'"),
    ],
)
def test_unusable_row_is_told_by_name_and_the_others_stay_usable(
    tmp_path: Path, changes: dict[str, Any], text: str
) -> None:
    data = dataset(pickled(tmp_path, [annotation("good"), annotation("bad", **changes)]))
    with pytest.raises(DataError, match=text) as told:
        read(data, 1)
    assert "poses.pkl: 'bad'" in str(told.value)
    assert any(finding.level == "error" and "'bad'" in finding.where for finding in data.check(deep=True))
    read(data, 0)


def test_sequence_in_which_nobody_was_found_is_named_by_a_check(tmp_path: Path) -> None:
    empty = annotation("empty", keypoint=np.zeros((1, 20, 17, 2), np.float16))
    data = dataset(pickled(tmp_path, [annotation("good"), empty]))
    read(data, 1)  # published files have such rows
    (finding,) = data.check(deep=True)
    assert (finding.level, finding.text) == ("warning", "all joints are 0: nobody was found in the sequence")
    assert "'empty'" in finding.where


def test_rows_with_and_without_confidences_are_told_when_they_meet(tmp_path: Path) -> None:
    rows = [annotation("sure"), annotation("unsure")]
    del rows[1]["keypoint_score"]
    data = dataset(pickled(tmp_path, rows))
    samples = [read(data, index) for index in range(2)]
    with pytest.raises(DataError, match=r"'unsure'|shape"):
        build(Recognition(), data.classes).collate(samples)


@pytest.mark.parametrize(
    ("content", "split", "text"),
    [
        ({"split": {"train": []}, "annotations": []}, "tran", "did you mean 'train'"),
        ({"split": {"train": ["x"]}, "annotations": [annotation("a")]}, "train", "1 sequences without annotation: x"),
        ({"split": {"train": 7}, "annotations": [annotation("a")]}, "train", "split 'train' is a int; expected a list"),
        ({"labels": [1]}, "", "holds a dict of 'labels'; expected"),
    ],
)
def test_file_of_another_form_is_refused(tmp_path: Path, content: Any, split: str, text: str) -> None:
    (tmp_path / "poses.pkl").write_bytes(pickle.dumps(content))
    config = SkeletonPickle(annotations="poses.pkl", split=split, sampling=UniformDraws())
    with pytest.raises(DataError, match=text):
        build_dataset(Data(root=str(tmp_path), train=config, decoder=PyAVConfig()), "train")


class Hostile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_hostile_pickle_is_refused_and_nothing_runs(tmp_path: Path) -> None:
    (tmp_path / "poses.pkl").write_bytes(pickle.dumps([Hostile(tmp_path / "owned")]))
    with pytest.raises(DataError, match="mkdir"):
        dataset(tmp_path)
    assert not (tmp_path / "owned").exists()


def test_numpy_files_of_a_list(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.ones((30, 20, 3)))
    (tmp_path / "two.npy").write_text("no array")
    (tmp_path / "list.txt").write_text("one.npy 1\ntwo.npy 0\n")
    config = SkeletonList(list="list.txt", classes=("sit", "wave"), sampling=UniformDraws(num_frames=8))
    data = build_dataset(Data(root=str(tmp_path), train=config, decoder=PyAVConfig()), "train")
    check_dataset(data)
    assert read(data).inputs["pose"].shape == (1, 2, 8, 20, 3)
    with pytest.raises(DataError, match=r"two\.npy cannot be read"):
        read(data, 1)


def test_a_single_file_is_read_as_its_data_set_reads_it(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.random.default_rng(0).normal(size=(30, 20, 3)))
    (tmp_path / "list.txt").write_text("one.npy 0\n")
    config = SkeletonList(
        list="list.txt", classes=("sit",), sampling=UniformDraws(num_frames=8), views=Views(clips=2),
        transforms={"streams": Streams(layout="kinect-20", streams=("joint", "bone"))},
    )  # fmt: skip
    data = build_dataset(Data(root=str(tmp_path), val=config, decoder=PyAVConfig()), "val")
    reader = build(config.sample_reader())
    alone = reader.read(tmp_path / "one.npy", SampleRef("", 0, 0))
    assert torch.equal(alone.inputs["pose"], read(data).inputs["pose"])
    with pytest.raises(DataError, match=r"two\.npy cannot be read"):
        reader.read(tmp_path / "two.npy", SampleRef("", 0, 0))


def test_npz_file_keeps_confidences_and_the_size_of_the_picture(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    skeleton = Skeleton(
        joints=rng.uniform(0, 100, (2, 5, 17, 2)).astype(np.float32),
        scores=rng.uniform(0, 1, (2, 5, 17)).astype(np.float32),
        image_size=(240, 320),
    )
    write_skeleton(tmp_path / "poses" / "a.npz", skeleton, {"fps": np.array(25.0)})
    read_again = read_skeleton(tmp_path / "poses" / "a.npz")
    np.testing.assert_array_equal(read_again.joints, skeleton.joints)
    np.testing.assert_array_equal(read_again.scores, skeleton.scores)
    assert read_again.image_size == (240, 320)
    assert [path.name for path in (tmp_path / "poses").iterdir()] == ["a.npz"]


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ({"poses": np.zeros((1, 5, 17, 2))}, "has no entry 'keypoint'"),
        ({"keypoint": np.zeros((5, 17))}, r"holds no numbers \[frames, joints, channels\]"),
        ({"keypoint": np.array([{}], object)}, "cannot be read: Object arrays cannot be loaded"),
        ({"keypoint": np.zeros((1, 5, 17, 2)), "keypoint_score": np.zeros((1, 4, 17))}, r"keypoint_score is float64"),
        ({"keypoint": np.zeros((1, 5, 17, 2)), "img_shape": np.zeros(2)}, r"img_shape is \[0\.0, 0\.0\]"),
    ],
)
def test_npz_file_of_another_form_is_refused(tmp_path: Path, entries: dict[str, Any], text: str) -> None:
    np.savez(tmp_path / "a.npz", **entries)
    with pytest.raises(DataError, match=text) as told:
        read_skeleton(tmp_path / "a.npz")
    assert "a.npz" in str(told.value)


def test_sequence_without_anybody_and_a_broken_archive_are_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "empty.npz", keypoint=np.zeros((0, 5, 17, 2)))
    (tmp_path / "broken.npz").write_bytes((tmp_path / "empty.npz").read_bytes()[:60])
    reader = build(SkeletonReader(sampling=UniformDraws(num_frames=8)))
    with pytest.raises(DataError, match=r"empty\.npz: the sequence has 0 persons and 5 frames"):
        reader.read(tmp_path / "empty.npz", SampleRef("", 0, 0))
    with pytest.raises(DataError, match=r"broken\.npz cannot be read"):
        reader.read(tmp_path / "broken.npz", SampleRef("", 0, 0))


@pytest.mark.parametrize(
    ("name", "count", "shape"), [("utd_mhad_skeleton", 431, (20, 3)), ("jhmdb_pose2d", 433, (15, 2))]
)
def test_real_sets_are_read_whole(shared_data: Path, name: str, count: int, shape: tuple[int, int]) -> None:
    config = SkeletonList(list="train.txt", classes="classes.txt", sampling=UniformDraws(num_frames=16))
    data = build_dataset(Data(root=str(shared_data / "real" / name), train=config, decoder=PyAVConfig()), "train")
    assert len(data) == count
    assert list(data.check(deep=True)) == []
    assert read(data).inputs["pose"].shape == (1, 2, 16, *shape)


def test_mistakes_are_told_before_data_is_read() -> None:
    table = {
        "annotations": "poses.pkl",
        "sampling": {"type": "uniform-draws"},
        "transforms": {"colour": {"type": "color-jitter"}, "streams": {"type": "streams", "layout": "cocoa"}},
    }
    _, problems = structure(table, SkeletonPickle, host())
    told = "\n".join(problem.text for problem in problems)
    assert "no pose-transform named 'color-jitter'" in told
    assert "'layout' is 'cocoa'; known are coco" in told


def test_options_that_skeletons_cannot_follow_are_refused() -> None:
    with pytest.raises(ValueError, match="'sampling' is missing"):
        SkeletonPickle(annotations="poses.pkl")
    with pytest.raises(ValueError, match=r"views\.crops is 3"):
        SkeletonPickle(annotations="poses.pkl", sampling=UniformDraws(), views=Views(crops=3))
