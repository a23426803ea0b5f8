"""Lists without the rows that `vidcore data check` found to be bad."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from vidcore.errors import DataError
from vidcore.interfaces import Dataset
from vidcore_prepare.checking import HasFiles, Row
from vidcore_prepare.engine import write_whole

_KEY_CELLS = 2  # of a CSV without header: what is listed, such as a video and a second


def write_cleaned(split: str, dataset: Dataset, listed: Iterable[Row | None], bad: Iterable[Row], folder: Path) -> Path:
    """Write the list of a split without bad rows, under its own name.

    Args:
        split: Names the new list where the samples were found in folders.
        dataset: Of that split.
        listed: Where each sample is listed.
        bad: Rows to leave out.
        folder: Where the list goes.

    Returns:
        The file.

    Raises:
        DataError: The samples stand in no list, in one that is no text, CSV or JSON, or in one of `folder` itself.
    """
    rows = list(listed)
    files = {row.file for row in rows if row is not None}
    if None in rows or len(files) != 1:
        raise DataError(f"data.{split} has no single list of its samples, so that none can be cleaned")
    source = files.pop()
    numbers = {row.number for row in bad if row.file == source}
    if source.is_dir() and isinstance(dataset, HasFiles):
        kept = [dataset.path(i).relative_to(source) for i, row in enumerate(rows) if row and row.number not in numbers]
        return _written(folder / f"{split}.txt", source, "".join(f"{path.as_posix()}\n" for path in kept))
    if source.suffix not in (".txt", ".csv", ".json", ".lst", ".list", ""):
        raise DataError(f"data.{split}: {source} is no text, CSV or JSON, so that it cannot be cleaned")
    text = source.read_text(encoding="utf-8-sig")
    return _written(folder / source.name, source, _without(text, source.suffix, numbers))


def _written(file: Path, source: Path, text: str) -> Path:
    if file.resolve() == source.resolve():
        raise DataError(f"{file} would be written over; give another folder than the one of the lists")
    write_whole(file, text)
    return file


def _without(text: str, suffix: str, numbers: Collection[int]) -> str:
    if suffix == ".json":
        return _json_without(json.loads(text), numbers)
    lines = text.splitlines(keepends=True)
    bad = {number - 1 for number in numbers}
    if suffix == ".csv":  # what is annotated row by row is bad in all its rows
        cells = [tuple(row[:_KEY_CELLS]) for row in csv.reader(lines)]
        keys = {cells[i] for i in bad if i < len(cells)} if len(cells) == len(lines) else set()
        bad |= {i for i, key in enumerate(cells) if key in keys}
    return "".join(line for i, line in enumerate(lines) if i not in bad)


def _json_without(content: Any, numbers: Collection[int]) -> str:
    if isinstance(content, dict):
        kept: Any = {key: value for i, (key, value) in enumerate(content.items(), start=1) if i not in numbers}
    else:
        kept = [entry for i, entry in enumerate(content, start=1) if i not in numbers]
    return json.dumps(kept, indent=1, ensure_ascii=False) + "\n"
