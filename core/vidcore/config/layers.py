"""TOML layers: a recipe, a file that extends it, `--set`; merged so that every value remembers where it was written."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

import attrs
from attrs import field, frozen

from vidcore.config.base import DatasetConfig
from vidcore.config.positions import Path, Positions
from vidcore.config.structure import Problem
from vidcore.errors import ConfigError
from vidcore.wording import nearest

# keys of every data set stay when its type changes: how clips are sampled does not depend on whose videos they are
_KEPT_KEYS = frozenset(entry.name for entry in attrs.fields(DatasetConfig))
_DATA_TABLES = frozenset({("data", "train"), ("data", "val"), ("data", "test")})
_TOML_PLACE = re.compile(
    r"^(?P<text>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$", re.DOTALL
)
_BARE_WORD = re.compile(r"(?:[A-Za-z_/~]|\.{1,2}/)[A-Za-z0-9_./:~-]*")  # or a path


@frozen(kw_only=True, eq=False)
class Layer:
    """One text of TOML, and the part of it that counts."""

    file: str  # shown in messages
    text: str
    table: dict[str, Any]
    prefix: Path = ()  # where in the text the table stands, for a recipe's variant

    def key(self, path: Path) -> str:
        """`file:line:column` of the key at `path`."""
        return self._show(Positions(self.text).key(self.prefix + path))

    def value(self, path: Path) -> str:
        """`file:line:column` of the value at `path`."""
        return self._show(Positions(self.text).value(self.prefix + path))

    def _show(self, place: tuple[int, int]) -> str:
        return f"{self.file}:{place[0]}:{place[1]}" if self.text else self.file


@frozen
class Merged:
    """The table that layers make together, and which layer each path comes from."""

    table: dict[str, Any] = field(factory=dict)
    origins: dict[Path, Layer] = field(factory=dict)
    problems: list[tuple[Layer, Problem]] = field(factory=list)  # what could not be merged
    lost: list[str] = field(factory=list)  # what could not be read at all: a parent, a `--set`

    def origin(self, path: Path) -> Layer | None:
        """The layer that wrote `path`, or the nearest table above it."""
        while path and path not in self.origins:
            path = path[:-1]
        return self.origins.get(path)

    def where(self, problem: Problem) -> str:
        """`file:line:column` of a problem."""
        layer = self.origin(problem.path)
        if layer is None:  # the problem is what is not there
            layers = list(self.origins.values())
            return layers[-1].file if layers else "experiment"
        return layer.key(problem.path) if problem.at_key else layer.value(problem.path)


def read(path: FilePath) -> Layer:
    """Read a TOML file.

    Raises:
        ConfigError: It is missing, unreadable, not UTF-8 or not TOML; with the place where tomllib stopped.
    """
    try:
        text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text ({error.reason} at byte {error.start}); TOML must be") from error
    return Layer(file=str(path), text=text, table=parse(text, str(path)))


def parse(text: str, file: str) -> dict[str, Any]:
    """Read TOML text; a mistake is told with its place in front, as compilers print it."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _TOML_PLACE.match(str(error))
        if match is None:
            raise ConfigError(f"{file}: {error}") from error
        line = int(match["line"] or text.count("\n") + 1)
        raise ConfigError(f"{file}:{line}:{match['column'] or 1}: {match['text']}") from error


def parse_set(option: str) -> Layer:
    """`--set a.b=1`, where the value is TOML; a bare word or path stands for a string.

    Raises:
        ConfigError: It is not of that form.
    """
    key, equals, value = option.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set {option}: expected KEY=VALUE, such as --set engine.epochs=3")
    value = value.strip()
    if _BARE_WORD.fullmatch(value) and value not in ("true", "false", "inf", "nan"):
        value = f'"{value}"'
    text = f"{key.strip()} = {value}"
    try:
        table = parse(text, "--set")
    except ConfigError as error:
        raise ConfigError(f"{error} (in --set {option}; the value must be TOML, strings in quotes)") from error
    return Layer(file="--set", text=text, table=table)


def layer_of(overrides: dict[str, Any]) -> Layer:
    """Overrides from Python, `{"engine.epochs": 3}`; a dotted key names a place in nested tables."""
    table: dict[str, Any] = {}
    for dotted, value in overrides.items():
        *parents, last = dotted.split(".")
        inner = table
        for name in parents:
            inner = inner.setdefault(name, {})
        inner[last] = value
    return Layer(file="overrides", text="", table=table)


def merge(merged: Merged, layer: Layer) -> None:
    """Lay `layer` over what is merged: tables merge, arrays and values replace, another `type` drops the old keys."""
    table = dict(layer.table)
    for dotted in table.pop("unset", ()):
        _unset(merged, layer, dotted)
    _merge_table(merged, merged.table, table, (), layer)


def _merge_table(merged: Merged, into: dict[str, Any], table: dict[str, Any], path: Path, layer: Layer) -> None:
    if "type" in table and "type" in into and table["type"] != into["type"]:
        for key in [key for key in into if not (path in _DATA_TABLES and key in _KEPT_KEYS)]:
            _drop(merged, into, key, path)
    merged.origins[path] = layer
    for key, value in table.items():
        here = (*path, key)
        if isinstance(value, dict) and value.get("remove") is True and here[0] != "stage":  # which removes it later
            if key in into:
                _drop(merged, into, key, path)
            else:
                text = f"there is no {key!r} to remove here{nearest(key, into)}"
                merged.problems.append((layer, Problem((*here, "remove"), text)))
            continue
        if isinstance(value, dict) and isinstance(into.get(key), str):
            into[key] = {"type": into[key]}  # the short form of a component meets its long form
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge_table(merged, into[key], value, here, layer)
        else:
            into[key] = copy.deepcopy(value)
            for inner in _paths(value, here):
                merged.origins[inner] = layer


def _unset(merged: Merged, layer: Layer, dotted: Any) -> None:
    path = tuple(str(dotted).split("."))
    table: Any = merged.table
    for name in path[:-1]:
        table = table.get(name, {}) if isinstance(table, dict) else {}
    if not isinstance(table, dict) or path[-1] not in table:
        names = [".".join(map(str, known)) for known in merged.origins]
        text = f"{dotted!r} is not set by what this file extends{nearest(dotted, names)}"
        merged.problems.append((layer, Problem(("unset",), text)))
        return
    _drop(merged, table, path[-1], path[:-1])


def _drop(merged: Merged, table: dict[str, Any], key: str, path: Path) -> None:
    here = (*path, key)
    for known in [known for known in merged.origins if known[: len(here)] == here]:
        del merged.origins[known]
    del table[key]


def _paths(value: Any, path: Path) -> Iterator[Path]:
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(item, (*path, index))
