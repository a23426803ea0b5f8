from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrs import evolve

import vidcore_mixture.plugin
from vidcore.config.experiment import Data
from vidcore.data.building import build_dataset
from vidcore.data.sampling_config import Dense
from vidcore.data.transform_config import CenterCrop
from vidcore.data.video.config import PyAVConfig
from vidcore.errors import ConfigError, DataError
from vidcore.interfaces import ChoosesSamples
from vidcore.randomness import Purpose, generator
from vidcore.testing import check_dataset, check_plugin
from vidcore.values import SampleRef
from vidcore_frames.config import Frames
from vidcore_mixture.config import Mixture, Source
from vidcore_videos.config import ClassFolders

A, B = ClassFolders(folder="a"), ClassFolders(folder="b")


def mixed(root: Path, split: str = "train", decoder: Any = None, **options: Any) -> Any:
    config = Mixture(
        sampling=Dense(num_frames=4, frame_interval=1), transforms={"crop": CenterCrop(size=32)}, **options
    )
    decoder = decoder or PyAVConfig(index_cache=False)
    return build_dataset(Data(root=str(root), decoder=decoder, **{split: config}), split)


def read(dataset: Any, index: int) -> Any:
    (sample,) = dataset.sample(SampleRef("", 0, index), generator(0, Purpose.SAMPLE, 0, index))
    return sample


def test_plugin_keeps_its_promises() -> None:
    check_plugin(vidcore_mixture.plugin)


@pytest.mark.parametrize("split", ["train", "test"])
def test_data_set_keeps_the_contract(root: Path, split: str) -> None:
    dataset = mixed(root, split, classes="join", sources={"a": Source(dataset=A), "b": Source(dataset=B)})
    check_dataset(dataset, indices=(0, 4, 5, 7))
    assert isinstance(dataset, ChoosesSamples)


def test_samples_are_numbered_through_and_say_where_they_come_from(root: Path) -> None:
    dataset = mixed(root, classes="join", sources={"a": Source(dataset=A), "b": Source(dataset=B)})
    assert len(dataset) == 8
    assert Path(read(dataset, 5).meta["path"]).parts[-3:] == ("b", "run", "0.mp4")
    assert read(dataset, 5).meta["source"] == "b" and read(dataset, 4).meta["source"] == "a"
    assert "run/0.mp4" in dataset.where(5) and "in source 'b'" in dataset.where(5)


def test_joined_classes_keep_their_names(root: Path) -> None:
    dataset = mixed(root, classes="join", sources={"b": Source(dataset=B), "a": Source(dataset=A)})
    assert dataset.classes == ("run", "swim", "jump")
    for index in range(len(dataset)):
        sample = read(dataset, index)
        assert dataset.classes[sample.target["label"]] == Path(sample.meta["path"]).parent.name
        assert dataset.labels(index) == [sample.target["label"]]


def test_named_classes_fix_the_order(root: Path) -> None:
    sources = {"a": Source(dataset=A), "b": Source(dataset=B)}
    assert mixed(root, classes=("swim", "run", "jump"), sources=sources).classes == ("swim", "run", "jump")
    with pytest.raises(DataError, match=r"source 'b' has 1 classes that `classes` does not name, such as 'swim'"):
        mixed(root, classes=("run", "jump"), sources=sources)


def test_classes_that_do_not_agree_are_told(root: Path) -> None:
    with pytest.raises(
        DataError, match="source 'b' has 2 classes, among them 'swim', that are not the 2 of source 'a'"
    ):
        mixed(root, sources={"a": Source(dataset=A), "b": Source(dataset=B)})
    turned = ClassFolders(folder="a", classes=("run", "jump"))
    with pytest.raises(DataError, match="source 'b' has the classes in another order than source 'a'"):
        mixed(root, sources={"a": Source(dataset=A), "b": Source(dataset=turned)})


def test_facts_tell_early_what_does_not_fit(root: Path) -> None:
    long = evolve(A, sampling=Dense(num_frames=8, frame_interval=1))
    config = Mixture(sampling=Dense(num_frames=4), sources={"a": Source(dataset=A), "long": Source(dataset=long)})
    with pytest.raises(DataError, match="video of source 'long' is 3 x 8 .*, that of source 'a' 3 x 4"):
        config.facts(root)
    joined = Mixture(classes="join", sources={"a": Source(dataset=A), "b": Source(dataset=B)})
    assert joined.facts(root).classes == ("jump", "run", "swim")


def test_ratios_hold_in_every_epoch_and_every_sample_gets_its_turn(root: Path) -> None:
    sources = {"a": Source(dataset=A, ratio=1), "b": Source(dataset=B, ratio=3)}
    dataset = mixed(root, classes="join", samples=20, sources=sources)
    orders = [dataset.order(0, epoch) for epoch in range(6)]
    assert [Counter((order >= 5).tolist()) for order in orders] == [{False: 5, True: 15}] * 6
    assert np.bincount(np.concatenate(orders)).tolist() == [6] * 5 + [30] * 3
    assert orders[0].tolist() != orders[1].tolist() != dataset.order(1, 1).tolist()


def test_sources_are_repeated(root: Path) -> None:
    dataset = mixed(root, classes="join", sources={"a": Source(dataset=A), "b": Source(dataset=B, repeat=3)})
    assert dataset.samples_per_epoch == 14
    assert np.bincount(dataset.order(0, 7)).tolist() == [1] * 5 + [3] * 3


def test_balanced_classes_are_drawn_alike(root: Path) -> None:
    dataset = mixed(root, sources={"a": Source(dataset=A, ratio=1, balance="classes")}, samples=80)
    drawn = np.bincount(dataset.order(0, 0))
    assert drawn.tolist() == [40, 10, 10, 10, 10]  # the only jump, then the runs


def test_pictures_are_still_clips_beside_videos(root: Path) -> None:
    pictures = ClassFolders(folder="pictures", suffixes=(".png",))
    sources = {"videos": Source(dataset=A), "pictures": Source(dataset=pictures)}
    dataset = mixed(root, decoder=Frames(videos=PyAVConfig(index_cache=False)), sources=sources)
    video, picture = read(dataset, 0).inputs["video"], read(dataset, 6).inputs["video"]
    assert video.shape == picture.shape == (1, 3, 4, 32, 32)
    assert (picture == picture[:, :, :1]).all() and not (video == video[:, :, :1]).all()


def test_a_source_has_a_folder_of_its_own(root: Path) -> None:
    sources = {"a": Source(root="a", dataset=ClassFolders()), "b": Source(root="b", dataset=ClassFolders())}
    assert mixed(root, classes="join", sources=sources).classes == ("jump", "run", "swim")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"ratio": 1.0, "repeat": 2}, "'repeat' has no effect beside 'ratio'"),
        ({"dataset": ClassFolders(batch_size=4)}, "'batch_size' belongs to the mixture"),
    ],
)
def test_options_without_effect_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Source(**{"dataset": A, **options})


def test_ratios_are_for_all_sources_and_for_training(root: Path) -> None:
    with pytest.raises(ValueError, match="'a' has a ratio and 'b' has none"):
        Mixture(sources={"a": Source(dataset=A, ratio=1.0), "b": Source(dataset=B)})
    with pytest.raises(ConfigError, match=r"data\.val\.sources\.a: ratio, repeat and balance are for training"):
        mixed(root, "val", sources={"a": Source(dataset=A, ratio=1.0)})


def test_a_source_without_a_draw_is_refused(root: Path) -> None:
    sources = {"a": Source(dataset=A, ratio=100.0), "b": Source(dataset=A, ratio=1.0)}
    with pytest.raises(ConfigError, match="an epoch of 10 samples has none of source 'b'"):
        mixed(root, samples=10, sources=sources)
