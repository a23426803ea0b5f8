"""Where data sets come from: tables that plugins declare through the hook `vidcore_downloads`, checked."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from attrs import field, fields, frozen

from vidcore.errors import ConfigError, DataError, PluginError
from vidcore.plugins import host, load_reference
from vidcore.wording import nearest
from vidcore_prepare.segments import Piece


@frozen(kw_only=True)
class DataFile:
    """A file of annotations, or an archive of them."""

    path: str  # below the folder of the data set
    url: str
    sha256: str = ""  # empty where nobody published it
    unpack: bool = False  # a zip or tar archive, whose content becomes the folder `path`


@frozen(kw_only=True)
class DataSource:
    """What a data set consists of and where it is."""

    name: str
    summary: str = ""
    home: str = ""  # page of the authors
    licence: str = ""
    files: tuple[DataFile, ...] = ()
    videos: str = ""  # "module:function": (folder) -> pairs of a file below it and its address
    accept: str = ""  # what one must agree to before videos are fetched; empty: nothing
    by_hand: str = ""  # what to do where videos cannot be fetched by a program
    segments: str = ""  # "module:function": (annotation) -> (video, start, end, name) of what is cut out of videos

    def videos_in(self, folder: Path) -> list[DataFile]:
        """Videos, as the annotations in the folder name them. Raises DataError where those are not there."""
        named: Callable[[Path], Iterable[tuple[str, str]]] = load_reference(self.videos)
        return [DataFile(path=path, url=url) for path, url in named(folder)]

    def pieces(self, annotation: Path) -> list[Piece]:
        """What is to be cut out of its videos."""
        rows: Callable[[Path], Iterable[tuple[str, float, float, str]]] = load_reference(self.segments)
        return [Piece(video=video, start=start, end=end, name=name) for video, start, end, name in rows(annotation)]


@frozen
class Sources:
    """Data sets by name."""

    by_name: dict[str, DataSource] = field(factory=dict)

    def find(self, name: str) -> DataSource:
        """Raises ConfigError where there is none of this name."""
        if name not in self.by_name:
            known = ", ".join(sorted(self.by_name)) or "none; install a plugin such as vidcore-kinetics"
            hint = nearest(name, self.by_name) or f" (there are: {known})"
            raise ConfigError(f"no installed plugin says where data set {name!r} is{hint}")
        return self.by_name[name]


def installed_sources() -> Sources:
    """Those of all plugins.

    Raises:
        PluginError: A table is wrong, or two plugins declare the same data set.
    """
    found: dict[str, DataSource] = {}
    for plugin, file in host().downloads:
        try:
            sources = parse(tomllib.loads(file.read_text(encoding="utf-8")))
        except (ConfigError, tomllib.TOMLDecodeError) as error:
            raise PluginError(f"{file} of plugin {plugin}: {error}") from error
        for name in sources.keys() & found.keys():
            raise PluginError(f"data set {name!r} is declared by {plugin} and by another plugin; leave one out")
        found |= sources
    return Sources(found)


def read_sources(file: Path) -> Sources:
    """Those of a table of your own, in the form that plugins use. Raises DataError."""
    try:
        return Sources(parse(tomllib.loads(file.read_text(encoding="utf-8"))))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ConfigError) as error:
        raise DataError(f"{file}: {error}") from error


def parse(tables: dict[str, Any]) -> dict[str, DataSource]:
    """Checked tables, one a data set. Raises ConfigError with the first wrong key or value."""
    return {name: _source(name, table) for name, table in tables.items()}


def _source(name: str, table: Any) -> DataSource:
    _check_keys(name, table, DataSource, {"name"})
    files = tuple(_file(name, path, entry) for path, entry in table.get("files", {}).items())
    return DataSource(**{**table, "name": name, "files": files})


def _file(name: str, path: str, entry: Any) -> DataFile:
    where = f"{name}.files.{path!r}"
    _check_keys(where, entry, DataFile, {"path"})
    if "url" not in entry:
        raise ConfigError(f"{where}: no url")
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise ConfigError(f"{where}: must lie inside the folder of the data set")
    return DataFile(path=path, **entry)


def _check_keys(where: str, table: Any, cls: type, but: set[str]) -> None:
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: expected a table, found {table!r}")
    known = {each.name: each.type for each in fields(cls)}
    for key, value in table.items():
        if key not in known or key in but:
            raise ConfigError(f"{where}: unknown key {key!r}{nearest(key, known.keys() - but)}")
        if known[key] in ("str", "bool") and type(value).__name__ != known[key]:
            raise ConfigError(f"{where}.{key}: expected {known[key]}, found {value!r}")
