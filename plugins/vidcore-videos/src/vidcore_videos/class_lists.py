"""Class names from a file. Imports neither torch nor numpy: `vidcore config check` reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vidcore.errors import DataError

_NUMBERED = re.compile(r"(\d+)[:,]?\s+(\S.*)")


def read_classes(path: Path) -> tuple[str, ...]:
    """Names of the classes, in the order of their labels.

    A text file has one name a line, or on each line a number and a name (`3 jump`, `3: jump`, `3,jump` with a blank),
    numbers from 0 or from 1 without gaps, in any order. A JSON file has a list of names, or name -> number.

    Raises:
        DataError: The file cannot be read, holds no name, or holds one twice.
    """
    text = read_text(path, "class list")
    names = _from_json(path, text) if path.suffix == ".json" else _from_lines(text)
    if not names:
        raise DataError(f"class list {path} is empty; write one class name a line, in the order of the labels")
    rows: dict[str, int] = {}
    for row, name in enumerate(names, start=1):
        if name in rows:
            raise DataError(f"{path}:{row}: class {name!r} is named a second time, first in row {rows[name]}")
        rows[name] = row
    return tuple(names)


def read_text(path: Path, what: str) -> str:
    """A UTF-8 file, with or without byte order mark.

    Raises:
        DataError: It is missing, may not be read, or is not UTF-8; then with every such row.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{what} {path} cannot be read: {error.strerror}; check data.root and the name") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        rows = [str(row) for row, line in enumerate(content.split(b"\n"), start=1) if not _is_utf8(line)]
        some = ", ".join(rows[:10]) + (", ..." if len(rows) > 10 else "")
        raise DataError(
            f"{what} {path}:{rows[0] if rows else 1}: not UTF-8 in row {some}; save the file as UTF-8"
        ) from None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _from_lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    matches = [_NUMBERED.fullmatch(line) for line in lines]
    numbered = {int(match[1]): match[2] for match in matches if match}
    first = min(numbered, default=0)
    if sorted(numbered) == list(range(first, first + len(lines))) and first in (0, 1):
        return [numbered[number] for number in sorted(numbered)]
    return lines


def _from_json(path: Path, text: str) -> list[str]:
    try:
        content: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: not valid JSON: {error.msg}") from error
    if isinstance(content, dict) and sorted(content.values(), key=str) == sorted(range(len(content)), key=str):
        return sorted(content, key=lambda name: int(content[name]))
    if isinstance(content, list) and all(isinstance(name, str) for name in content):
        return content
    raise DataError(f"{path}: expected a JSON list of class names, or an object of name -> number from 0 without gaps")


def classes_of(classes: str | Sequence[str], root: Path) -> tuple[str, ...] | None:
    """The classes that an option names: a file below `root`, the names themselves, or None for "" (not said)."""
    if isinstance(classes, str):
        return read_classes(root / classes) if classes else None
    return tuple(classes)
