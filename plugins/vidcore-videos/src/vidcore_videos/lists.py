"""Lists of videos with their labels: text, CSV and JSON files to checked rows.

Every problem of a file is told at once, each with `file:row`. What is odd but usable (a row that is there twice)
becomes a finding of the table instead.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import field, frozen, mutable

from vidcore.errors import DataError
from vidcore.interfaces import Finding
from vidcore.wording import nearest
from vidcore_videos.class_lists import read_text
from vidcore_videos.index_table import IndexTable, Row

Column = Literal["path", "offset", "frames", "label"]
_SHOWN = 20  # problems in one message; the rest are counted
_CSV_NAMES = {
    "path": "path", "video": "path", "filename": "path", "file": "path",
    "label": "label", "labels": "label", "class": "label",
    "offset": "offset", "frames": "frames", "total_frames": "frames",
}  # fmt: skip


@frozen
class _Raw:
    """One entry as it stands in the file."""

    number: int
    cells: dict[str, Any]


@mutable
class _Problems:
    """What is wrong with a file."""

    file: Path
    texts: list[str] = field(factory=list)

    def add(self, number: int, text: str) -> None:
        self.texts.append(f"{self.file}:{number}: {text}")

    def raise_any(self) -> None:
        if self.texts:
            more = len(self.texts) - _SHOWN
            shown = self.texts[:_SHOWN] + ([f"... and {more} more problems of this file"] if more > 0 else [])
            raise DataError("\n".join(shown))


def read_list(
    file: Path,
    *,
    columns: Sequence[Column] = ("path", "label"),
    separator: str = "",
    classes: Sequence[str] | None = None,
    multi_label: bool = False,
) -> IndexTable:
    """Read a list of videos.

    - Text: the columns in the order of `columns`, separated by blanks or by `separator`. A path may contain blanks, and
      stand in double quotes. `#` starts a comment line, blank lines are skipped.
    - `.csv`: a header names the columns (path, label, offset, frames; others are ignored). Several labels in a cell are
      separated by semicolons; numbers also by blanks.
    - `.json`: a list of objects with such keys, or an object of path -> label, labels or such an object.

    A label is a number, or the name of a class where `classes` are given.

    Args:
        file: The list.
        columns: Of a text file; "path" comes first, "label" last.
        separator: Between the columns of a text file; "" for blanks.
        classes: Names of the classes; labels must lie among them.
        multi_label: A row may have several labels, or none.

    Raises:
        DataError: With every problem of the file.
    """
    problems = _Problems(file)
    raws = list(_raw_rows(file, columns, separator, multi_label, problems))
    rows = [row for raw in raws if (row := _checked(raw, columns, classes, multi_label, problems)) is not None]
    findings = _duplicates(rows, file, multi_label, problems)
    if not raws and not problems.texts:
        raise DataError(f"list {file} has no rows; write one video a line: {' '.join(columns)}")
    problems.raise_any()
    return IndexTable.of(rows, file, findings)


def _raw_rows(
    file: Path, columns: Sequence[Column], separator: str, multi_label: bool, problems: _Problems
) -> Iterator[_Raw]:
    text = read_text(file, "list")
    if file.suffix == ".csv":
        yield from _csv_rows(text, columns, problems)
    elif file.suffix == ".json":
        yield from _json_rows(text, problems)
    else:
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip() and not line.lstrip().startswith("#"):
                cells = _split(line.strip(), len(columns), separator, multi_label and columns[-1] == "label")
                if cells is None:
                    quotes = "; put the path in double quotes if it or a label is made of words" if multi_label else ""
                    problems.add(number, f"expected {' '.join(columns)}, found {line.strip()!r}{quotes}")
                else:
                    yield _Raw(number, dict(zip(columns, cells, strict=True)))


def _split(line: str, count: int, separator: str, many: bool) -> list[Any] | None:
    """Cells of a line; where there may be several labels, the last one is a list. None when there are too few."""
    if line.startswith('"') and (end := line.find('"', 1)) > 0:
        path, rest = line[1:end], line[end + 1 :].split(separator or None)
    elif separator:
        path, *rest = line.split(separator)
    else:
        words = line.split()
        taken = _trailing_numbers(words) if many else count - 1
        if many and not taken and len(words) > 1:
            return None  # blanks in the path, or labels that are no numbers: which one, only quotes can tell
        path, *rest = line.rsplit(maxsplit=taken) if taken else [line]
    path, rest = path.strip(), [cell.strip() for cell in rest if cell.strip()]
    if not path or (len(rest) < count - 2 if many else len(rest) != count - 1):
        return None
    return [path, *rest[: count - 2], rest[count - 2 :]] if many else [path, *rest]


def _trailing_numbers(words: Sequence[str]) -> int:
    """How many words at the end are numbers; never all of them."""
    return next((i for i, word in enumerate(reversed(words[1:])) if not word.isdecimal()), len(words) - 1)


def _csv_rows(text: str, columns: Sequence[Column], problems: _Problems) -> Iterator[_Raw]:
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [_CSV_NAMES.get(cell.strip().lower(), "") for cell in next(reader, [])]
    missing = [name for name in columns if name not in header]
    if missing:
        problems.add(1, f"the header has no column {' and no column '.join(repr(name) for name in missing)}")
        return
    for cells in reader:
        if any(cell.strip() for cell in cells):
            if len(cells) != len(header):
                problems.add(reader.line_num, f"{len(cells)} cells, the header has {len(header)}")
                continue
            named = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if name}
            labels = _csv_labels(named.pop("label", ""))
            yield _Raw(reader.line_num, {**named, "label": labels})


def _csv_labels(cell: str) -> list[str]:
    """One name or number, or several numbers; names with blanks are one unless semicolons part them."""
    parts = cell.split(";") if ";" in cell else cell.split() if cell.replace(" ", "").isdecimal() else [cell]
    return [part.strip() for part in parts if part.strip()]


def _json_rows(text: str, problems: _Problems) -> Iterator[_Raw]:
    try:
        content: Any = json.loads(text)
    except json.JSONDecodeError as error:
        problems.add(error.lineno, f"not valid JSON: {error.msg}")
        return
    if isinstance(content, dict):
        content = [{"path": path, **(v if isinstance(v, dict) else {"label": v})} for path, v in content.items()]
    if not isinstance(content, list):
        problems.add(1, "expected a JSON list of objects, or an object of path -> label")
        return
    for number, entry in enumerate(content, start=1):
        if isinstance(entry, dict):
            yield _Raw(number, {_CSV_NAMES.get(str(key).lower(), ""): value for key, value in entry.items()})
        else:
            problems.add(number, f"expected an object with 'path' and 'label', found {entry!r}")


def _checked(
    raw: _Raw, columns: Sequence[Column], classes: Sequence[str] | None, multi_label: bool, problems: _Problems
) -> Row | None:
    """The row, or None after its problems have been noted."""
    before = len(problems.texts)
    path = raw.cells.get("path")
    if not isinstance(path, str) or not path:
        problems.add(raw.number, "no path")
    labels: tuple[int, ...] = ()
    if "label" in columns:
        cell = raw.cells.get("label", [])
        tokens = cell if isinstance(cell, list) else [cell]
        labels = tuple(_labels(tokens, classes, raw.number, problems))
        if not multi_label and not tokens:
            problems.add(raw.number, f"{path!r} has no label")
        elif not multi_label and len(tokens) > 1:
            problems.add(raw.number, f"{path!r} has {len(tokens)} labels; set multi_label = true to allow several")
    offset = _count(raw, "offset", 0, 0, problems)
    frames = _count(raw, "frames", -1, 1, problems)
    return Row(raw.number, str(path), labels, offset, frames) if len(problems.texts) == before else None


def _labels(tokens: Iterable[Any], classes: Sequence[str] | None, number: int, problems: _Problems) -> Iterator[int]:
    for token in tokens:
        if (isinstance(token, int) and not isinstance(token, bool)) or str(token).lstrip("-").isdecimal():
            label = int(token)
            if label < 0 or (classes is not None and label >= len(classes)):
                known = f"the {len(classes)} classes are 0 ... {len(classes) - 1}" if classes else "labels count from 0"
                problems.add(number, f"label {label} is outside the classes; {known}")
            else:
                yield label
        elif classes is not None and token in classes:
            yield classes.index(token)
        elif classes is not None:
            problems.add(number, f"label {token!r} is neither a number nor a class{nearest(token, classes)}")
        else:
            problems.add(number, f"label {token!r} is no number; name the classes to use their names")


def _count(raw: _Raw, column: str, default: int, lowest: int, problems: _Problems) -> int:
    cell = raw.cells.get(column)
    if cell is None or cell == "":
        return default
    if isinstance(cell, bool) or not str(cell).isdecimal() or int(cell) < lowest:
        problems.add(raw.number, f"{column} is {cell!r}; expected a whole number from {lowest}")
        return default
    return int(cell)


def _duplicates(rows: Sequence[Row], file: Path, multi_label: bool, problems: _Problems) -> list[Finding]:
    """A part of a video that is listed twice: odd, and wrong where the labels contradict."""
    findings, seen = [], dict[tuple[str, int], Row]()
    for row in rows:
        first = seen.setdefault((row.path, row.offset), row)
        if first is row:
            continue
        if first.labels != row.labels and not multi_label:
            text = f"{row.path!r} has label {row.labels[0]} here and label {first.labels[0]} in row {first.number}"
            problems.add(row.number, text)
        else:
            text = f"{row.path!r} is listed a second time, first in row {first.number}; it counts twice"
            findings.append(Finding("warning", f"{file}:{row.number}", text))
    return findings
