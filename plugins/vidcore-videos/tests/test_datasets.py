from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrs import evolve

from vidcore.config import Data, Views
from vidcore.data import sampling_config, transform_config
from vidcore.data.building import build_dataset
from vidcore.data.clips import DataContext
from vidcore.data.sampling import DenseSampling
from vidcore.data.transforms import CenterCrop, Flip
from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.pyav import PyAV
from vidcore.errors import DataError
from vidcore.interfaces import Dataset
from vidcore.randomness import Purpose, generator
from vidcore.values import Sample, SampleRef
from vidcore_videos.config import ClassFolders, VideoList
from vidcore_videos.datasets import VideoDataset, class_folder_dataset, video_list

REF = SampleRef("", 0, 0)


def rng(index: int = 0) -> np.random.Generator:
    return generator(0, Purpose.SAMPLE, index=index)


def context(root: Path, **changes: Any) -> DataContext:
    options: dict[str, Any] = {
        "decoder": PyAV(PyAVConfig(index_cache=False)),
        "sampling": DenseSampling(sampling_config.Dense(num_frames=4, frame_interval=2)),
        "transforms": {"crop": CenterCrop(transform_config.CenterCrop(size=32))},
    }
    return DataContext(root=root, **(options | changes))


def make_list(folder: Path, text: str = "up/0.mp4 1\ndown/1.mp4 0\n", name: str = "list.txt") -> VideoList:
    (folder / name).write_text(text)
    return VideoList(list=name)


def one(dataset: Dataset, ref: SampleRef = REF) -> Sample:
    samples = dataset.sample(ref, rng(ref.index))
    assert len(samples) == 1
    return samples[0]


def test_sample_holds_the_frames_of_the_video(video_folder: Path) -> None:
    sample = one(video_list(make_list(video_folder), context(video_folder)))
    video = sample.inputs["video"]
    assert video.shape == (1, 3, 4, 32, 32)
    assert video.dtype == torch.uint8
    assert sample.target == {"label": 1}
    assert sample.meta["path"] == str(video_folder / "up/0.mp4")
    frames = sample.meta["frames"][0]
    expected = torch.tensor([80 + 8 * i for i in frames])
    assert (video[0, 0, :, 16, 24] - expected).abs().max() <= 3
    assert sample.meta["size"] == (48, 64)


def test_mirrored_videos_change_their_label_in_training(video_folder: Path) -> None:
    flip = Flip(transform_config.Flip(probability=1.0, labels=((0, 1), (1, 0))))
    config = make_list(video_folder)
    assert one(video_list(config, context(video_folder, training=True, transforms={"flip": flip}))).target == {
        "label": 0
    }
    assert one(video_list(config, context(video_folder, transforms={"flip": flip}))).target == {"label": 1}


def test_several_labels_become_a_vector_over_the_classes(video_folder: Path) -> None:
    (video_folder / "multi.txt").write_text("up/0.mp4 0 2\nup/1.mp4\n")
    config = VideoList(list="multi.txt", classes=("a", "b", "c"), multi_label=True)
    dataset = video_list(config, context(video_folder))
    assert one(dataset).target["labels"].tolist() == [1, 0, 1]
    assert one(dataset, SampleRef("", 0, 1)).target["labels"].tolist() == [0, 0, 0]


def test_part_of_a_video_is_all_that_is_read(video_folder: Path) -> None:
    (video_folder / "parts.txt").write_text("up/0.mp4 10 5 1\nup/1.mp4 30 5 1\n")
    config = VideoList(list="parts.txt", columns=("path", "offset", "frames", "label"))
    dataset = video_list(config, context(video_folder))
    assert one(dataset).meta["frames"] == [[10, 12, 14, 11]]  # 5 frames: the fourth goes on from the part's start
    with pytest.raises(DataError, match=r"up/1\.mp4: the part that counts starts at frame 30, the video has 21 frames"):
        one(dataset, SampleRef("", 0, 1))


def test_list_of_videos_serves_for_what_was_made_of_them(video_folder: Path) -> None:
    (video_folder / "made/up/0").mkdir(parents=True)
    (video_folder / "up/0.mp4").rename(video_folder / "made/up/0.avi")
    config = evolve(make_list(video_folder), folder="made", suffix=".avi")
    assert one(video_list(config, context(video_folder))).meta["path"] == str(video_folder / "made/up/0.avi")
    folders = video_list(evolve(config, suffix=""), context(video_folder))
    assert folders.path(0) == video_folder / "made/up/0"
    with pytest.raises(ValueError, match="suffix"):
        evolve(config, suffix="avi")


def test_list_without_labels_gives_samples_without_target(video_folder: Path) -> None:
    (video_folder / "plain.txt").write_text("up/0.mp4\n")
    dataset = video_list(VideoList(list="plain.txt", columns=("path",), classes=("a",)), context(video_folder))
    assert one(dataset).target == {}


def test_classes_come_from_a_file_from_names_or_from_the_labels(video_folder: Path) -> None:
    (video_folder / "classes.txt").write_text("going down\ngoing up\n")
    config = make_list(video_folder)
    assert video_list(config, context(video_folder)).classes == ("0", "1")
    from_file = VideoList(list=config.list, classes="classes.txt")
    assert video_list(from_file, context(video_folder)).classes == ("going down", "going up")
    assert from_file.facts(video_folder).classes == ("going down", "going up")
    assert from_file.facts(video_folder / "nowhere").classes is None


def test_label_outside_the_classes_is_told_with_its_row(video_folder: Path) -> None:
    config = VideoList(list=make_list(video_folder, "up/0.mp4 0\nup/1.mp4 5\n").list, classes=("a", "b"))
    with pytest.raises(DataError, match=r"list\.txt:2: label 5 is outside the classes; the 2 classes are 0 \.\.\. 1"):
        video_list(config, context(video_folder))


def test_wrong_root_is_told_at_once(video_folder: Path, tmp_path: Path) -> None:
    config = make_list(tmp_path)
    with pytest.raises(DataError, match=r"none of 2 videos .* exists, such as .*up/0\.mp4 .*check data\.root"):
        video_list(config, context(tmp_path))
    inside = VideoList(list=str(tmp_path / "list.txt"), folder=str(video_folder))
    assert len(video_list(inside, context(tmp_path))) == 2


def test_too_small_video_is_named(video_folder: Path) -> None:
    transforms = {"crop": CenterCrop(transform_config.CenterCrop(size=100))}
    dataset = video_list(make_list(video_folder), context(video_folder, transforms=transforms))
    with pytest.raises(DataError, match=r"up/0\.mp4: a crop of 100x100 does not fit into frames of 64x48"):
        one(dataset)


def test_check_finds_missing_and_empty_files_and_classes_without_videos(video_folder: Path) -> None:
    (video_folder / "empty.mp4").write_bytes(b"")
    text = "up/0.mp4 0\nnone.mp4 0\nempty.mp4 0\nup/0.mp4 0\n"
    config = VideoList(list=make_list(video_folder, text).list, classes=("a", "b"))
    findings = list(video_list(config, context(video_folder)).check())
    assert [(f.level, Path(f.where).name) for f in findings] == [
        ("warning", "list.txt:4"),
        ("error", "list.txt:2"),
        ("error", "list.txt:3"),
        ("warning", "list.txt"),
    ]
    assert "No such file" in findings[1].text and "is empty" in findings[2].text
    assert findings[3].text == "1 class has no video: 'b'"


def test_deep_check_decodes(video_folder: Path) -> None:
    (video_folder / "text.mp4").write_text("this is no video")
    dataset = video_list(make_list(video_folder, "up/0.mp4 0\ntext.mp4 0\n"), context(video_folder))
    assert list(dataset.check()) == []
    assert [Path(finding.where).name for finding in dataset.check(deep=True)] == ["list.txt:2"]


def test_class_folders_are_the_classes(video_folder: Path) -> None:
    config = ClassFolders(classes=("up", "down"))
    dataset = class_folder_dataset(config, context(video_folder))
    assert dataset.classes == ("up", "down")
    assert len(dataset) == 6
    assert one(dataset).target == {"label": 0}
    assert dataset.path(0) == video_folder / "up/0.mp4"


def test_class_folders_from_the_folder_itself(video_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "train").symlink_to(video_folder)
    assert ClassFolders(folder="train").facts(tmp_path).classes == ("down", "up")
    assert class_folder_dataset(ClassFolders(folder="train"), context(tmp_path)).classes == ("down", "up")


def test_class_folders_split_by_a_list(video_folder: Path) -> None:
    (video_folder / "split.txt").write_text("up/2.mp4 1\ndown/0.mp4\n")
    dataset = class_folder_dataset(ClassFolders(list="split.txt"), context(video_folder))
    assert [dataset.path(i).name for i in range(2)] == ["2.mp4", "0.mp4"]
    assert one(dataset).target == {"label": 1}
    (video_folder / "split.txt").write_text("left/2.mp4\n")
    with pytest.raises(DataError, match=r"split\.txt:1: 'left/2\.mp4' is not in the folder of a class"):
        class_folder_dataset(ClassFolders(list="split.txt"), context(video_folder))


def test_class_folders_that_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere cannot be listed: No such file or directory; check data\.root"):
        class_folder_dataset(ClassFolders(folder="nowhere"), context(tmp_path))
    with pytest.raises(DataError, match="has no folders; make one for each class"):
        class_folder_dataset(ClassFolders(), context(tmp_path))
    (tmp_path / "up").mkdir()
    with pytest.raises(DataError, match=r"has no video in the folders of its 1 classes; looked for \.mp4"):
        class_folder_dataset(ClassFolders(), context(tmp_path))


def test_unreadable_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "up").mkdir()
    scandir = os.scandir

    def denied(path: Any) -> Any:  # root, which tests may run as, is denied nothing
        if Path(path) == tmp_path / "up":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(DataError, match=r"up cannot be listed: Permission denied"):
        class_folder_dataset(ClassFolders(classes=("up",)), context(tmp_path))


def test_data_sets_go_to_workers(video_folder: Path) -> None:
    dataset = video_list(make_list(video_folder), context(video_folder))
    copy: VideoDataset = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(one(copy).inputs["video"], one(dataset).inputs["video"])
    assert isinstance(copy, Dataset)


def test_facts_tell_the_shape_of_a_clip() -> None:
    config = VideoList(
        list="x",
        sampling=sampling_config.Dense(num_frames=8),
        transforms={"a": transform_config.Resize(short_side=64), "b": transform_config.CenterCrop(size=(32, 48))},
    )
    assert config.facts(Path("/nowhere")).inputs == {"video": (3, 8, 32, 48)}


@pytest.mark.parametrize("columns", [("label", "path"), ("path", "label", "frames"), ("path", "path"), ()])
def test_columns_in_an_order_that_cannot_be_read_are_refused(columns: Any) -> None:
    with pytest.raises(ValueError, match="starts with"):
        VideoList(list="x", columns=columns)


def data(root: Path, **splits: Any) -> Data:
    return Data(root=str(root), decoder=PyAVConfig(index_cache=False), **splits)


def dataset_config(folder: Path, **changes: Any) -> VideoList:
    options: dict[str, Any] = {
        "list": make_list(folder).list,
        "sampling": sampling_config.Dense(num_frames=4),
        "transforms": {"crop": transform_config.CenterCrop(size=32)},
    }
    return VideoList(**(options | changes))


def test_data_set_of_a_split_is_built_from_the_experiment(video_folder: Path) -> None:
    val = dataset_config(video_folder, views=Views(clips=2))
    train = dataset_config(video_folder, repeats=2)
    built = data(video_folder, train=train, val=val)
    assert one(build_dataset(built, "test")).inputs["video"].shape == (2, 3, 4, 32, 32)
    assert len(build_dataset(built, "train").sample(REF, rng())) == 2
