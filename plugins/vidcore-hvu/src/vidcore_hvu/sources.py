"""What `vidcore data fetch` and `vidcore data trim` ask: where the videos are, and which clips lie in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from vidcore.errors import DataError
from vidcore_videos.class_lists import read_text

_COLUMNS = ("youtube_id", "time_start", "time_end")


def videos(folder: Path) -> Iterator[tuple[str, str]]:
    """File and address of every video that the annotations in a folder name, each once.

    Raises:
        DataError: There is no annotation, or it is no official CSV.
    """
    files = sorted((folder / "annotations").rglob("HVU_[TV]*_V*.csv"))
    files = [file for file in files if "Tags" not in file.name]
    if not files:
        raise DataError(f"{folder / 'annotations'} has no HVU_Train_V1.0.csv; fetch the annotations first")
    names = dict.fromkeys(name for file in files for name, _, _ in _rows(file))
    return ((f"youtube/{name}.mp4", f"https://www.youtube.com/watch?v={name}") for name in names)


def segments(annotation: Path) -> Iterator[tuple[str, float, float, str]]:
    """Video, first and last second, and name of every clip of an official CSV.

    Raises:
        DataError: It is no official CSV.
    """
    return ((name, start, end, f"{name}_{round(start):06d}_{round(end):06d}") for name, start, end in _rows(annotation))


def _rows(file: Path) -> Iterator[tuple[str, float, float]]:
    reader = csv.DictReader(io.StringIO(read_text(file, "annotation"), newline=""), skipinitialspace=True)
    missing = [repr(name) for name in _COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise DataError(f"{file}:1: the header has no column {', '.join(missing)}; is it the official CSV?")
    for row in reader:
        name, start, end = (row[column] or "" for column in _COLUMNS)
        try:
            yield name, float(start), float(end)
        except ValueError as error:
            raise DataError(f"{file}:{reader.line_num}: time_start and time_end must be seconds: {error}") from error
