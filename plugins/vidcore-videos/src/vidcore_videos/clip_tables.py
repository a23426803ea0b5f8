"""Official lists of clips in longer videos, as several data sets of web videos publish them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from vidcore.errors import DataError
from vidcore_videos.class_lists import read_text

_COLUMNS = ("youtube_id", "time_start", "time_end")


def read_clip_table(file: Path) -> Iterator[tuple[str, float, float]]:
    """Video, first and last second of every row of a CSV with the columns youtube_id, time_start and time_end.

    Raises:
        DataError: A column is missing, or a time is no number; the message names the row.
    """
    reader = csv.DictReader(io.StringIO(read_text(file, "annotation"), newline=""), skipinitialspace=True)
    reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
    missing = [repr(name) for name in _COLUMNS if name not in reader.fieldnames]
    if missing:
        raise DataError(f"{file}:1: the header has no column {', '.join(missing)}; is it the official CSV?")
    for row in reader:
        name, start, end = (row[column] or "" for column in _COLUMNS)
        try:
            yield name, float(start), float(end)
        except ValueError as error:
            raise DataError(f"{file}:{reader.line_num}: time_start and time_end must be seconds: {error}") from error


def named_clips(file: Path) -> Iterator[tuple[str, float, float, str]]:
    """The rows of a table, and what crawlers call the clip: `NAME_000010_000020`."""
    return (
        (name, start, end, f"{name}_{round(start):06d}_{round(end):06d}") for name, start, end in read_clip_table(file)
    )


def youtube_addresses(files: list[Path]) -> Iterator[tuple[str, str]]:
    """File and address of every video that tables name, each once."""
    names = dict.fromkeys(name for file in files for name, _, _ in read_clip_table(file))
    return ((f"youtube/{name}.mp4", f"https://www.youtube.com/watch?v={name}") for name in names)
