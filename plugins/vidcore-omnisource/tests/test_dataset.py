from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrs import evolve
from PIL import Image

from vidcore.config.base import Views
from vidcore.config.experiment import Data
from vidcore.data.building import build_dataset
from vidcore.data.sampling_config import Dense
from vidcore.data.transform_config import CenterCrop, Resize
from vidcore.data.video.config import PyAVConfig
from vidcore.errors import ConfigError, DataError
from vidcore.interfaces import ChoosesSamples
from vidcore.plugins import build
from vidcore.randomness import Purpose, generator
from vidcore.testing import check_dataset
from vidcore.values import SampleRef
from vidcore_augment.transform_config import ColorJitter
from vidcore_mixture.config import Mixture, Source
from vidcore_omnisource.data_config import ImagesAndVideos
from vidcore_omnisource.dataset import Blocks
from vidcore_videos.config import ClassFolders, VideoList

VIDEOS = ClassFolders(folder="videos")
IMAGES = ClassFolders(folder="images", suffixes=(".jpg",))


def config(**options: Any) -> ImagesAndVideos:
    usual: dict[str, Any] = {"videos": VIDEOS, "images": IMAGES, "batch_size": 5, "ratio": (2.0, 3.0)}
    usual |= {"sampling": Dense(num_frames=4, frame_interval=1), "transforms": {"crop": CenterCrop(size=32)}}
    return ImagesAndVideos(**usual | options)


def joint(root: Path, split: str = "train", **options: Any) -> Any:
    data = {split: config(**options)}
    return build_dataset(Data(root=str(root), decoder=PyAVConfig(index_cache=False), **data), split)


def read(dataset: Any, index: int) -> Any:
    (sample,) = dataset.sample(SampleRef("", 0, index), generator(0, Purpose.SAMPLE, 0, index))
    return sample


@pytest.mark.parametrize("lengths", [(3, 3), (7, 40), (40, 7), (1, 1), (6, 9)])
def test_every_sample_has_one_number(lengths: tuple[int, int]) -> None:
    blocks = Blocks(lengths, (2, 3))
    places = [blocks.place(index) for index in range(sum(lengths))]
    assert sorted(places) == [(part, number) for part in (0, 1) for number in range(lengths[part])]
    for part in (0, 1):
        numbers = np.arange(lengths[part])
        assert [places[index] for index in blocks.indices(part, numbers)] == [(part, number) for number in numbers]
    first = Counter(part for part, _ in places[:5])
    assert min(lengths) < 3 or first == {0: 2, 1: 3}


def test_data_set_keeps_the_contract(root: Path) -> None:
    dataset = joint(root)
    check_dataset(dataset, indices=(0, 1, 2, 4, 47))
    assert isinstance(dataset, ChoosesSamples)
    assert (len(dataset), dataset.classes) == (48, ("cold", "warm"))


def test_an_image_is_one_frame_and_a_video_a_clip(root: Path) -> None:
    dataset = joint(root)
    video, image = read(dataset, 0), read(dataset, 2)
    assert video.inputs["video"].shape == (1, 3, 4, 32, 32) and video.target == {"label": 0}
    assert image.inputs["image"].shape == (1, 3, 32, 32) and image.target == {"image_label": 0}
    assert (video.meta["kind"], image.meta["kind"]) == ("video", "image")
    height = image.meta["size"][0]
    pixels = np.asarray(Image.open(image.meta["path"]))[(height - 32) // 2 :][:32, 8:40]
    assert torch.equal(image.inputs["image"][0], torch.from_numpy(pixels.copy()).permute(2, 0, 1))
    assert "images/blue/0.jpg" in dataset.where(2) and "in 'images'" in dataset.where(2)


def test_every_batch_has_its_share_and_every_sample_its_turn(root: Path) -> None:
    dataset = joint(root)  # 24 videos by 2 are 12 batches, 24 images by 3 are 8
    assert dataset.samples_per_epoch == 8 * 5
    seen: Counter[int] = Counter()
    for epoch in range(3):
        order = dataset.order(7, epoch)
        for batch in order.reshape(-1, 5):
            kinds = [read(dataset, int(index)).meta["kind"] for index in batch] if epoch == 0 else []
            assert not kinds or (kinds.count("video"), set(kinds[:2])) == (2, {"video", "image"})
        seen.update(order.tolist())
    images = {index for index in seen if dataset._blocks.place(index)[0] == 1}
    assert {seen[index] for index in images} == {3}  # once an epoch
    assert {count for index, count in seen.items() if index not in images} == {2}  # 48 draws of 24
    assert dataset.order(7, 1).tolist() != dataset.order(7, 0).tolist() == joint(root).order(7, 0).tolist()
    assert dataset.order(7, 0).tolist() != dataset.order(8, 0).tolist()


@pytest.mark.parametrize(("epoch", "batches"), [("shorter", 8), ("images", 8), ("videos", 12)])
def test_an_epoch_goes_once_through_what_it_is_told(root: Path, epoch: str, batches: int) -> None:
    assert joint(root, epoch=epoch).samples_per_epoch == batches * 5


@pytest.mark.parametrize(
    ("size", "ratio", "counts"),
    [(101, (16, 85), (16, 85)), (20, (16, 85), (3, 17)), (2, (1, 99), (1, 1)), (8, (1, 1), (4, 4))],
)
def test_the_ratio_holds_for_any_batch(size: int, ratio: tuple[float, float], counts: tuple[int, int]) -> None:
    made = config(batch_size=size, ratio=ratio)
    assert (made.videos_in_batch, made.images_in_batch) == counts
    assert Counter(made.inputs_of(index) for index in range(size)) == {("video",): counts[0], ("image",): counts[1]}


def test_either_may_be_a_mixture(root: Path) -> None:
    halves = {"rare": Source(dataset=VIDEOS, ratio=1.0), "all": Source(dataset=VIDEOS, ratio=3.0)}
    videos = Mixture(sources=halves, samples=16)
    red = {"all": Source(dataset=IMAGES, balance="classes")}
    dataset = joint(root, videos=videos, images=Mixture(sources=red))
    assert dataset.samples_per_epoch == 8 * 5  # 16 videos by 2, 24 images by 3
    kinds = [dataset._blocks.place(int(index)) for index in dataset.order(0, 3)]
    drawn = [number for part, number in kinds if part == 0]
    assert (sum(number < 24 for number in drawn), len(drawn)) == (4, 16)
    assert read(dataset, 2).inputs["image"].shape == (1, 3, 32, 32)
    assert read(dataset, 0).meta["source"] == "rare"


def test_facts_are_told_without_opening_a_file(root: Path) -> None:
    facts = config().facts(root)
    assert facts.classes == ("cold", "warm")
    assert facts.inputs == {"video": (3, 4, 32, 32), "image": (3, 32, 32), "image_label": (3,)}
    listed = VideoList(list="images.txt", folder="images")  # classes are numbers, known when the list is read
    assert "image_label" not in config(images=listed).facts(root).inputs
    assert config().is_there(root) and not config(images=ClassFolders(folder="nowhere")).is_there(root)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"images": evolve(IMAGES, sampling=Dense(num_frames=2))}, "an image is one frame, not 2"),
        ({"videos": evolve(VIDEOS, batch_size=3)}, r"'videos\.batch_size': .* belongs to the batches of both"),
        ({"images": evolve(IMAGES, views=Views(clips=2))}, r"'images\.views'"),
        ({"repeats": 2}, "'repeats' is for videos alone"),
    ],
)
def test_options_without_effect_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        config(**options)


def test_it_is_for_training(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.val: images and videos are read together in training only"):
        joint(root, "val")


def test_what_is_wrong_with_both_is_told_at_once(tmp_path: Path) -> None:
    for name in ("videos/warm", "images/red"):
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(DataError) as told:
        joint(tmp_path)
    first, second = str(told.value).splitlines()
    assert first.startswith("data.train.videos: ") and "has no video in the folders of its 1 classes" in first
    assert second.startswith("data.train.images: ") and ".jpg" in second


def test_a_data_set_without_a_sample_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidcore_omnisource.dataset.build", lambda config, *context: [] if context else build(config))
    with pytest.raises(DataError, match=r"^data\.train\.videos: it is empty.*\ndata\.train\.images: it is empty"):
        joint(root)


def test_clips_need_a_sampling(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"add \[data\.train\.sampling\]"):
        joint(root, sampling=None)


@pytest.mark.parametrize("part", ["videos", "images"])
def test_what_is_applied_to_whole_batches_is_refused(root: Path, part: str) -> None:
    options = {"videos": VIDEOS, "images": IMAGES}
    jitter = {part: evolve(options[part], transforms={"colours": ColorJitter(), "crop": CenterCrop(size=32)})}
    with pytest.raises(ConfigError, match=rf"data\.train\.{part}: the transform 'colours' is applied to whole batches"):
        joint(root, **jitter)


def test_an_image_needs_one_label(root: Path) -> None:
    listed = VideoList(list="images.txt", folder="images", multi_label=True, classes="colours.txt")
    with pytest.raises(DataError, match=r"red/0\.jpg: an image needs one label, here is labels"):
        read(joint(root, images=listed), 2)


def test_transforms_of_images_may_be_others(root: Path) -> None:
    dataset = joint(root, images=evolve(IMAGES, transforms={"size": Resize(size=(20, 24))}))
    assert read(dataset, 0).inputs["video"].shape == (1, 3, 4, 32, 32)
    assert read(dataset, 2).inputs["image"].shape == (1, 3, 20, 24)
