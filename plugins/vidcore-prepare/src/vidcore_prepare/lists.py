"""Lists of videos as text, CSV or JSON, as the data set `video-list` reads them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vidcore.errors import ConfigError
from vidcore_prepare.engine import write_whole

FORMATS = (".txt", ".csv", ".json")
COLUMNS = ("path", "offset", "frames", "label")


def write_list(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows; the suffix of the file says how.

    Args:
        file: .txt, .csv or .json.
        rows: With `path`, and perhaps `offset`, `frames` and `label`, a list of numbers or names; all with the same.

    Raises:
        ConfigError: There is no such format, or names with blanks should stand in a text file.
    """
    if file.suffix not in FORMATS:
        raise ConfigError(f"{file} ends with {file.suffix!r}; lists are {', '.join(FORMATS)}")
    columns = [name for name in COLUMNS if rows and name in rows[0]]
    if file.suffix == ".json":
        entries = [{**row, "label": _one_or_all(row["label"])} if "label" in row else dict(row) for row in rows]
        write_whole(file, json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
    elif file.suffix == ".csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([[_cell(row[name], ";") for name in columns] for row in rows])
        write_whole(file, text.getvalue())
    else:
        write_whole(file, "".join(_line(file, row, columns) for row in rows))


def _line(file: Path, row: Mapping[str, Any], columns: Sequence[str]) -> str:
    for label in row.get("label", ()):
        if isinstance(label, str) and " " in label:
            raise ConfigError(f"{file}: label {label!r} has blanks, which text lists cannot hold; write .csv or .json")
    path = row["path"]
    quoted = f'"{path}"' if " " in path else path
    return " ".join([quoted, *(str(_cell(row[name], " ")) for name in columns[1:])]) + "\n"


def _cell(value: Any, between: str) -> Any:
    return between.join(map(str, value)) if isinstance(value, list | tuple) else value


def _one_or_all(labels: Sequence[Any]) -> Any:
    return labels[0] if len(labels) == 1 else list(labels)
