"""Names of classes: given, from a file with one a line, or all that annotations use. Imports no numpy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vidcore.errors import DataError


def known_classes(classes: str | tuple[str, ...], root: Path, annotations: Path) -> tuple[str, ...] | None:
    """The classes, or None while the file that tells them is not there.

    Raises:
        DataError: A file that is there cannot be used.
    """
    if isinstance(classes, tuple):
        return classes
    if classes:
        return read_names(root / classes) if (root / classes).exists() else None
    return named_in(read_json(annotations)) if annotations.exists() else None


def needed_classes(classes: str | tuple[str, ...], root: Path, annotations: Path) -> tuple[str, ...]:
    """The classes, for a data set that is being read.

    Raises:
        DataError: There is none, or a file that tells them cannot be used.
    """
    names = known_classes(classes, root, annotations)
    if not names:
        raise DataError(f"{annotations}: no segment has a label, so there is no class; give `classes`")
    return names


def read_names(path: Path) -> tuple[str, ...]:
    """Names of a text file, one a line.

    Raises:
        DataError: It cannot be read, is empty, or names a class twice.
    """
    try:
        names = tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}; it should have one class name a line") from error
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not names:
        raise DataError(f"{path}: names {twice[0]!r} twice" if twice else f"{path}: has no class name")
    return names


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        DataError: It cannot be read or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}; check data.root and the option that names it") from error
    except ValueError as error:
        raise DataError(f"{path}: is not JSON: {error}") from error


def named_in(content: Any) -> tuple[str, ...]:
    """Every label of annotations in ActivityNet's form, sorted; what has another form is passed over here."""
    videos = content.get("database", content) if isinstance(content, dict) else None
    tables = [video.get("annotations") for video in _values(videos) if isinstance(video, dict)]
    rows = [row for table in tables if isinstance(table, list) for row in table if isinstance(row, dict)]
    return tuple(sorted({row["label"] for row in rows if isinstance(row.get("label"), str)}))


def _values(table: Any) -> list[Any]:
    return list(table.values()) if isinstance(table, dict) else []
