"""Files of HVU to checked rows. Imports neither torch nor numpy.

Letters: K classes of all kinds together, in the order of the kinds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from vidcore.errors import DataError
from vidcore_videos.class_lists import read_text

_SHOWN = 20  # problems in one message
Kinds = dict[str, tuple[str, ...]]


@frozen
class Row:
    """One video."""

    number: int  # in the file, from 1
    path: str
    labels: tuple[int, ...]  # of K
    known: tuple[bool, ...]  # one a kind: whether anybody looked
    strange: tuple[str, ...]  # kinds that the class list does not have


def read_kinds(file: Path) -> Kinds:
    """Names of the classes of each kind, in the order of the labels.

    Raises:
        DataError: The file is no JSON object of lists of names, or a kind has a name twice or none.
    """
    kinds = _json(file, "class list")
    if not isinstance(kinds, dict) or not kinds:
        raise DataError(f"{file}: expected a JSON object, kind -> list of class names")
    for kind, names in kinds.items():
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise DataError(f"{file}: kind {kind!r} needs a list of class names")
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"{file}: kind {kind!r} has the class {twice!r} twice")
    return {kind: tuple(names) for kind, names in kinds.items()}


def class_names(kinds: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """All classes: `kind: name`."""
    return tuple(f"{kind}: {name}" for kind, names in kinds.items() for name in names)


def read_rows(file: Path, kinds: Mapping[str, Sequence[str]]) -> list[Row]:
    """The videos of a list.

    Raises:
        DataError: With every problem of the file.
    """
    entries = _json(file, "list")
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{file}: expected a JSON list of objects with 'filename' and 'label', at least one")
    sizes = {kind: len(names) for kind, names in kinds.items()}
    rows, problems = [], []
    for number, entry in enumerate(entries, start=1):
        try:
            rows.append(_row(number, entry, sizes))
        except ValueError as error:
            problems.append(f"{file}:{number}: {error}")
    if problems:
        more = [f"... and {len(problems) - _SHOWN} more problems of this file"] if len(problems) > _SHOWN else []
        raise DataError("\n".join(problems[:_SHOWN] + more))
    return rows


def merged(label: Mapping[str, Sequence[Any]], sizes: Mapping[str, int]) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """Labels of K and, for each kind, whether it is known, from the labels of each kind.

    Raises:
        ValueError: A label is outside its kind.
    """
    labels, first = [], 0
    for kind, size in sizes.items():
        for one in label.get(kind, ()):
            if isinstance(one, bool) or not isinstance(one, int) or not 0 <= one < size:
                raise ValueError(f"label {one!r} of kind {kind!r}; its {size} classes are 0 ... {size - 1}")
            labels.append(first + one)
        first += size
    return tuple(labels), tuple(kind in label for kind in sizes)


def _row(number: int, entry: Any, sizes: Mapping[str, int]) -> Row:
    if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str) or not entry["filename"]:
        raise ValueError("no 'filename'")
    label = entry.get("label")
    if not isinstance(label, dict) or not all(isinstance(ones, list) for ones in label.values()):
        raise ValueError(f"{entry['filename']!r} has no 'label' of the form kind -> list of numbers")
    labels, known = merged(label, sizes)
    if not any(known):
        raise ValueError(f"{entry['filename']!r} has no label of a kind that the class list has")
    return Row(number, entry["filename"], labels, known, tuple(kind for kind in label if kind not in sizes))


def _json(file: Path, what: str) -> Any:
    try:
        return json.loads(read_text(file, what))
    except json.JSONDecodeError as error:
        raise DataError(f"{file}:{error.lineno}: not valid JSON: {error.msg}") from error
