"""Label maps: numbers and names of actions. Imports neither torch nor numpy: `vidcore config check` reads them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from attrs import frozen

from vidcore.errors import DataError
from vidcore_videos.class_lists import read_text

_BLOCK = re.compile(r"\b(?:item|label)\s*\{([^{}]*)\}")
_NAME = re.compile(r'\bname:\s*"((?:[^"\\]|\\.)*)"')
_NUMBER = re.compile(r"\b(?:label_)?id:\s*(\d+)")
_LINE = re.compile(r"(\d+)(-?)[:,]?\s+(\S.*)")


@frozen
class Label:
    """One action."""

    number: int  # as annotations have it, from 1
    name: str
    evaluated: bool = True


@frozen
class Classes:
    """The classes of a data set in the order of the model's outputs, and what annotations call them."""

    names: tuple[str, ...]
    numbers: tuple[int, ...]  # as annotations have them
    evaluated: frozenset[int]  # numbers that the evaluation counts; all are trained

    @property
    def indices(self) -> dict[int, int]:
        """Class of each number."""
        return {number: index for index, number in enumerate(self.numbers)}


def read_label_map(path: Path) -> tuple[Label, ...]:
    """Labels of a `.pbtxt`, or of a text file with `number: name` a line, in the order of the file.

    Raises:
        DataError: It cannot be read, has no label, a number twice, or a block without number or name.
    """
    text = read_text(path, "label map")
    blocks = list(_BLOCK.finditer(text))
    labels, problems = [], []
    for block in blocks:
        name, number = _NAME.search(block[1]), _NUMBER.search(block[1])
        if name and number:
            labels.append(Label(int(number[1]), name[1].replace('\\"', '"')))
        else:
            row = text.count("\n", 0, block.start()) + 1
            problems.append(f'{path}:{row}: a label needs `name: "..."` and `id: NUMBER` (or label_id)')
    if not blocks:
        labels, problems = _from_lines(path, text)
    numbers = [label.number for label in labels]
    problems += [f"{path}: number {number} stands twice" for number in sorted(_twice(numbers))]
    if problems:
        raise DataError("\n".join(problems[:20]))
    if not labels:
        raise DataError(f'{path} has no label; expected blocks like `item {{ name: "walk" id: 14 }}`')
    return tuple(labels)


@cache
def ava_labels() -> tuple[Label, ...]:
    """The 80 actions of AVA, of which 60 are evaluated."""
    text = (files("vidcore_ava") / "classes.txt").read_text(encoding="utf-8")
    matches = [match for line in text.splitlines() if (match := _LINE.fullmatch(line))]
    return tuple(Label(int(match[1]), match[3], not match[2]) for match in matches)


def classes_of(label_map: str, only: Sequence[int], root: Path) -> Classes:
    """The classes that the options of a data set mean.

    Args:
        label_map: File below `root`; "": the 80 actions of AVA.
        only: Numbers that count, in the order of the classes; none: every number from 1 to the highest.
        root: Folder of the data.

    Raises:
        DataError: The map cannot be read, or has not every number of `only`.
    """
    labels = {label.number: label for label in (read_label_map(root / label_map) if label_map else ava_labels())}
    unknown = [number for number in only if number not in labels]
    if unknown:
        raise DataError(f"'only' names {unknown}, but the label map ends with {max(labels)} and has no such number")
    numbers = tuple(only) or tuple(range(1, max(labels) + 1))
    names = [labels[number].name if number in labels else f"label {number}" for number in numbers]
    double = _twice(names)
    unique = (f"{name} ({number})" if name in double else name for name, number in zip(names, numbers, strict=True))
    evaluated = frozenset(number for number in numbers if number in labels and labels[number].evaluated)
    return Classes(tuple(unique), numbers, evaluated)


def _from_lines(path: Path, text: str) -> tuple[list[Label], list[str]]:
    labels, problems = [], []
    for row, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match:
            labels.append(Label(int(match[1]), match[3].strip()))
        else:
            problems.append(f"{path}:{row}: expected `NUMBER: NAME`, got {line.strip()[:60]!r}")
    return labels, problems


def _twice(values: Sequence[Any]) -> set[Any]:
    return {value for value in values if values.count(value) > 1}
