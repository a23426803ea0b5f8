"""From the [data] table of an experiment to data sets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vidcore.config.base import DatasetConfig, Views
from vidcore.config.experiment import Data
from vidcore.config.places import place
from vidcore.data.clips import DataContext, placed_crops
from vidcore.errors import ConfigError
from vidcore.interfaces import Dataset, Scaling
from vidcore.plugins import build


def build_dataset(data: Data, split: str) -> Dataset:
    """The data set of a split: "train", "val" or "test". Where there is no `data.test`, `data.val` is tested.

    Raises:
        ConfigError: The experiment has no such split, or its tables do not fit together.
        DataError: Its lists or folders cannot be used.
    """
    configs: dict[str, DatasetConfig | None] = {"train": data.train, "val": data.val, "test": data.test or data.val}
    config = configs[split]
    if config is None:
        raise ConfigError(f"the experiment has no [data.{split}] table; add one with a `type`")
    if config.sampling is None and config.needs_sampling:
        raise ConfigError(f"[data.{split}] has no sampling; add [data.{split}.sampling] with a `type`, such as dense")
    if split == "train" and config.views != Views():
        raise ConfigError("[data.train.views] has no effect, views are for testing; take the table out")
    context = build_context(
        root=place(data.root),
        decoder=data.decoder,
        sampling=config.sampling,
        transforms=config.transforms,
        views=config.views,
        scaling=data.scaling,
        split=split,
        repeats=config.repeats,
    )
    dataset: Dataset = build(config, context)
    return dataset


def build_context(
    *,
    root: Path,
    decoder: Any,
    sampling: Any,
    transforms: Mapping[str, Any],
    views: Views,
    scaling: Scaling = "area",
    split: str = "test",
    repeats: int = 1,
) -> DataContext:
    """What samples are read with, from the configs of its parts. `split` "train" reads as in training.

    Raises:
        ConfigError: `views.crops` asks for crops that no transform places.
    """
    built = {name: build(config) for name, config in transforms.items()}
    if split != "train" and views.crops not in placed_crops(built):
        raise ConfigError(
            f"data.{split}.views.crops = {views.crops}, but no transform places so many crops; end the transforms with "
            "one that does: center-crop places 3"
        )
    return DataContext(
        root=root,
        decoder=build(decoder),
        sampling=None if sampling is None else build(sampling),
        transforms=built,
        views=views,
        scaling=scaling,
        training=split == "train",
        split=split,
        repeats=repeats,
    )
