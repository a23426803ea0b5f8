"""Writes the files of a new plugin. The templates lie beside this module, one folder a kind."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from vidcore import __version__
from vidcore.errors import PluginError

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TEMPLATES = files("vidcore_tools").joinpath("templates")


def kinds() -> list[str]:
    """Kinds of component that there is a template for."""
    return sorted(entry.name for entry in _TEMPLATES.iterdir() if entry.is_dir() and entry.name != "common")


def write_scaffold(name: str, kind: str, into: Path) -> Path:
    """Write the distribution `vidcore-NAME` with one component of `kind`.

    Args:
        name: Of the component and the plugin, lower case with hyphens.
        kind: One of `kinds()`.
        into: Folder in which `vidcore-NAME` is made.

    Returns:
        The new folder.

    Raises:
        PluginError: The name is not of that form, there is no template, or the folder exists.
    """
    name = name.removeprefix("vidcore-")
    if not _NAME.fullmatch(name):
        raise PluginError(f"{name!r} is no name for a plugin: lower case letters, digits and hyphens, as in 'my-model'")
    if kind not in kinds():
        raise PluginError(f"there is no template for a {kind}; there is one for: {', '.join(kinds())}")
    folder = into / f"vidcore-{name}"
    if folder.exists():
        raise PluginError(f"{folder} exists already; give another name, or --into another folder")
    words = {
        "name": name,
        "kind": kind,
        "package": f"vidcore_{name.replace('-', '_')}",
        "Class": "".join(part.capitalize() for part in name.split("-")),
        "version": __version__,
    }
    for source in (_TEMPLATES.joinpath("common"), _TEMPLATES.joinpath(kind)):
        _copy(source, folder, words)
    return folder


def _copy(source: Traversable, target: Path, words: dict[str, str]) -> None:
    """Copy a folder of templates, with `$word` replaced in names and texts and the ending `.in` taken off."""
    for entry in source.iterdir():
        path = target / Template(entry.name.removesuffix(".in")).substitute(words)
        if entry.is_dir():
            _copy(entry, path, words)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template(entry.read_text(encoding="utf-8")).substitute(words), encoding="utf-8")
