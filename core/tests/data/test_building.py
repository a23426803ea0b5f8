"""Data sets are built from the tables of an experiment by whoever offers them: here, a plugin made for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from vidcore_made_data.config import MadeBrightness, MadeFolders

from vidcore.config import Data, Views
from vidcore.data.building import build_dataset
from vidcore.data.sampling_config import Dense
from vidcore.data.transform_config import CenterCrop, Flip
from vidcore.data.video.config import PyAVConfig
from vidcore.errors import ConfigError
from vidcore.plugins import host
from vidcore.randomness import Purpose, generator
from vidcore.testing.made_plugins import write_plugin
from vidcore.values import SampleRef

PLUGIN = """
from vidcore.plugins import hookimpl
from vidcore_made_data.config import COMPONENTS
api = 1
@hookimpl
def vidcore_components():
    return COMPONENTS
"""


@pytest.fixture(autouse=True)
def made_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    write_plugin(tmp_path / "site", "made-data-plugin", {"plugin.py": PLUGIN})
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    host.cache_clear()
    yield
    host.cache_clear()


def data(root: Path, **splits: Any) -> Data:
    return Data(root=str(root), decoder=PyAVConfig(index_cache=False), **splits)


def folders(**changes: Any) -> MadeFolders:
    options: dict[str, Any] = {"sampling": Dense(num_frames=4), "transforms": {"crop": CenterCrop(size=32)}}
    return MadeFolders(**(options | changes))


def test_data_set_of_a_split_is_built_from_the_experiment(video_folder: Path) -> None:
    built = data(video_folder, train=folders(repeats=2), val=folders(views=Views(clips=2)))
    ref, rng = SampleRef("", 0, 0), generator(0, Purpose.SAMPLE)
    (sample,) = build_dataset(built, "test").sample(ref, rng)
    assert sample.inputs["video"].shape == (2, 3, 4, 32, 32)
    assert len(build_dataset(built, "train").sample(ref, rng)) == 2


def test_transforms_are_built_in_their_order(video_folder: Path) -> None:
    transforms = {"flip": Flip(), "light": MadeBrightness(), "crop": CenterCrop(size=32)}
    dataset: Any = build_dataset(data(video_folder, train=folders(transforms=transforms)), "train")
    assert list(dataset.transforms) == ["flip", "light", "crop"]
    assert dataset.context.training and dataset.context.split == "train"


def test_tables_that_do_not_fit_together_are_refused(video_folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"no \[data\.val\] table"):
        build_dataset(data(video_folder), "val")
    with pytest.raises(ConfigError, match=r"\[data\.val\] has no sampling"):
        build_dataset(data(video_folder, val=folders(sampling=None)), "val")
    for crops, transform in ((3, Flip()), (10, CenterCrop(size=32))):
        asking = folders(views=Views(crops=crops), transforms={"last": transform})
        with pytest.raises(ConfigError, match=rf"views\.crops = {crops}, but no transform places so many crops"):
            build_dataset(data(video_folder, val=asking), "val")
    with pytest.raises(ConfigError, match=r"\[data\.train\.views\] has no effect"):
        build_dataset(data(video_folder, train=folders(views=Views(clips=2))), "train")


def test_data_that_is_no_video_needs_no_sampling(video_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MadeFolders, "needs_sampling", False)
    built = build_dataset(data(video_folder, val=folders(sampling=None)), "val")
    assert len(built) > 0
