"""From a file with `[stage.NAME]` tables to its stages in order, every mistake told before anything runs."""

from __future__ import annotations

import graphlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from attrs import field, frozen

from vidcore.config.layers import Merged, parse_set
from vidcore.config.loading import load, read_layers, tell
from vidcore.config.slots import Slot
from vidcore.config.stages import own_keys
from vidcore.config.structure import structure
from vidcore.errors import ConfigError
from vidcore.plugins import build, host
from vidcore.wording import nearest

_REFERENCE = re.compile(r"stage:(?P<stage>[^/]+)(?:/(?P<artifact>.+))?")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
Place = tuple[str | int, ...]  # of a value in a table


@frozen
class Reference:
    """`stage:NAME/ARTIFACT` somewhere in a stage's table; without an artifact, the stage's whole folder."""

    path: Place
    stage: str
    artifact: str
    place: str  # file:line:column, for messages


@frozen(kw_only=True, eq=False)
class Stage:
    """One stage, checked."""

    name: str
    type: str
    source: str  # what `load` takes, for a train stage
    table: dict[str, Any] = field(repr=False)  # its own one, or the whole experiment
    artifacts: Mapping[str, str]
    references: tuple[Reference, ...]

    @property
    def needs(self) -> list[str]:
        """The stages that it reads from, each once."""
        return list(dict.fromkeys(reference.stage for reference in self.references))

    def resolved(self, folders: Mapping[str, Path], stages: Mapping[str, Stage]) -> dict[str, Any]:
        """The table with every reference replaced by a path."""
        found = {reference.path: str(target(reference, folders, stages)) for reference in self.references}
        replaced: dict[str, Any] = _replace(self.table, found, ())
        return replaced

    def sets(self, folders: Mapping[str, Path], stages: Mapping[str, Stage]) -> tuple[str, ...]:
        """The same as `--set` options of this stage's experiment."""
        whole = self.resolved(folders, stages)
        keys = dict.fromkeys(_table_path(reference.path) for reference in self.references)
        return tuple(f"{_dotted(('stage', self.name, *key))}={json.dumps(_at(whole, key))}" for key in keys)


@frozen
class _Callbacks:
    """Those that hear of every stage of a file."""

    callbacks: dict[str, Annotated[Any, Slot("callback")]] = field(factory=dict)


@frozen
class _Table:
    """The part of a file that is about stages."""

    stage: dict[str, Annotated[Any, Slot("stage")]]


def plan(source: str, sets: tuple[str, ...] = ()) -> list[Stage]:
    """The stages of `source` in the order in which they can run.

    Raises:
        ConfigError: With every mistake of every stage, one a line; or the circle in which stages wait for each other.
    """
    merged = read_layers(source, [parse_set(option) for option in sets])
    tables = {name: {"type": "train", **table} for name, table in merged.table["stage"].items()}
    problems = []
    own = {name: own_keys(table) if table["type"] == "train" else table for name, table in tables.items()}
    typed, mistakes = structure({"stage": own}, _Table, host())
    problems += [tell(merged, mistake) for mistake in mistakes]
    stages = {}
    for name, table in tables.items():
        whole, shown = table, merged
        prefix: tuple[str, ...] = ("stage", name)
        if table["type"] == "train":
            try:
                shown, prefix = load(f"{source}#{name}", sets=sets).merged, ()
            except ConfigError as error:
                problems += [f"{line} (stage {name})" for line in str(error).splitlines()]
                continue
            whole = shown.table
        references = tuple(_references(whole, (), shown, prefix))
        artifacts = build(typed.stage[name]).artifacts if typed is not None else {}
        stages[name] = Stage(
            name=name, type=table["type"], source=f"{source}#{name}", table=whole, artifacts=artifacts,
            references=references,
        )  # fmt: skip
    if typed is not None and len(stages) == len(tables):
        problems += [text for stage in stages.values() for text in _wrong_references(stage, stages)]
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    return [stages[name] for name in _order(stages)]


def target(reference: Reference, folders: Mapping[str, Path], stages: Mapping[str, Stage]) -> Path:
    """The path that a reference stands for."""
    folder = folders[reference.stage].absolute()
    if not reference.artifact:
        return folder
    path = folder / stages[reference.stage].artifacts[reference.artifact]
    # nothing was measured in training: its last weights are its best
    return path.with_name("last.safetensors") if path.name == "best.safetensors" and not path.exists() else path


def typed_options(table: dict[str, Any]) -> Any:
    """The config object of a stage that is no experiment, its references resolved."""
    typed, problems = structure({"stage": {"this": table}}, _Table, host())
    if typed is None:
        raise ConfigError("\n".join(tell(Merged(), problem) for problem in problems))
    return typed.stage["this"]


def callbacks_of(table: dict[str, Any]) -> dict[str, object]:
    """What stands in the file's own [callbacks.NAME], built. Each run of a train stage has those, too, as its own."""
    typed, problems = structure({"callbacks": table.get("callbacks", {})}, _Callbacks, host())
    if typed is None:
        raise ConfigError("\n".join(tell(Merged(), problem) for problem in problems))
    return {name: build(config) for name, config in typed.callbacks.items()}


def _references(value: Any, path: Place, merged: Merged, prefix: tuple[str, ...]) -> Iterator[Reference]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _references(item, (*path, key), merged, prefix)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, (*path, index), merged, prefix)
    elif isinstance(value, str) and (match := _REFERENCE.fullmatch(value)):
        layer = merged.origin((*prefix, *path))
        place = layer.value((*prefix, *path)) if layer is not None else "experiment"
        yield Reference(path, match["stage"], match["artifact"] or "", place)


def _wrong_references(stage: Stage, stages: Mapping[str, Stage]) -> Iterator[str]:
    for reference in stage.references:
        start = f"{reference.place}: {_dotted(reference.path)}: "
        if reference.stage not in stages:
            yield f"{start}there is no stage {reference.stage!r}{nearest(reference.stage, stages)}"
            continue
        artifacts = stages[reference.stage].artifacts
        if reference.artifact and reference.artifact not in artifacts:
            kind, known = stages[reference.stage].type, ", ".join(artifacts) or "nothing that has a name"
            yield f"{start}stage {reference.stage!r} (type {kind}) writes no {reference.artifact!r}; it writes {known}"


def _order(stages: Mapping[str, Stage]) -> list[str]:
    """Every stage after those it reads from; otherwise as in the file."""
    try:
        graphlib.TopologicalSorter({name: stage.needs for name, stage in stages.items()}).prepare()
    except graphlib.CycleError as error:
        raise ConfigError(f"stages wait for each other: {' <- '.join(error.args[1])}") from error
    ordered: list[str] = []
    while len(ordered) < len(stages):
        ordered.append(next(n for n, s in stages.items() if n not in ordered and set(s.needs) <= set(ordered)))
    return ordered


def _replace(value: Any, found: Mapping[Place, str], path: Place) -> Any:
    if isinstance(value, dict):
        return {key: _replace(item, found, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_replace(item, found, (*path, index)) for index, item in enumerate(value)]
    return found.get(path, value)


def _table_path(path: Place) -> tuple[str, ...]:
    """Up to the first array: `--set` replaces arrays whole."""
    names = []
    for name in path:
        if isinstance(name, int):
            break
        names.append(name)
    return tuple(names)


def _at(table: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        table = table[name]
    return table


def _dotted(path: Place) -> str:
    return ".".join(str(name) if _BARE_KEY.fullmatch(str(name)) else json.dumps(name) for name in path)
