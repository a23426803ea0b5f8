"""Stages: several steps in one file. `file.toml#pretrain` is the experiment of one of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

from attrs import evolve, fields

from vidcore.config.experiment import Experiment
from vidcore.config.layers import Layer, Merged, merge
from vidcore.errors import ConfigError
from vidcore.wording import nearest

_EXPERIMENT_KEYS = frozenset(entry.name for entry in fields(Experiment)) | {"unset"}


def split_stage(source: str | FilePath) -> tuple[str | FilePath, str]:
    """`file.toml#pretrain` into file and stage; "" where no stage is named."""
    file, mark, stage = str(source).rpartition("#")
    return (file, stage) if mark and not FilePath(source).exists() else (source, "")


def enter_stage(merged: Merged, stage: str, source: str | FilePath, parent: Callable[..., list[Layer]]) -> None:
    """Lay the tables of `stage` over those it inherits. Its own keys, such as `type`, are for who runs it.

    Args:
        merged: Of the whole file.
        stage: Its name; "" where the file has none.
        source: The file, for messages and relative paths.
        parent: Finds what a table `extends`.

    Raises:
        ConfigError: There is no such stage, or none was chosen.
    """
    stages = merged.table.get("stage", {})
    if not isinstance(stages, dict) or (not stage and not stages):
        return  # what is wrong with it is told like any other mistake
    if stage not in stages:
        wanted = f"there is no stage {stage!r} in it{nearest(stage, stages)}" if stage else "choose one of its stages"
        example = f"; such as {source}#{next(iter(stages))}" if stages else ""
        raise ConfigError(f"{source}: {wanted}{example}. `vidcore run {source}` runs them all")
    own = merged.table.pop("stage")[stage]
    origins = {path: merged.origins.pop(path) for path in list(merged.origins) if path[:1] == ("stage",)}
    writer = origins.get(("stage", stage, "extends"), Layer(file=str(source), text="", table={}))
    for layer in parent(writer, own, source, ("stage", stage)):
        merge(merged, layer)
    table = {key: value for key, value in own.items() if key in _EXPERIMENT_KEYS}
    merge(merged, Layer(file=str(source), text="", table=table))
    for path, layer in origins.items():
        if path[:2] == ("stage", stage) and path[2:3] and path[2] in table:
            merged.origins[path[2:]] = evolve(layer, prefix=(*layer.prefix, "stage", stage))


def own_keys(stage: dict[str, Any]) -> dict[str, Any]:
    """What of a stage's table is no part of an experiment: its type, and the options of that type."""
    return {key: value for key, value in stage.items() if key not in _EXPERIMENT_KEYS | {"extends"}}
