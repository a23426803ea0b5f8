"""Segments of videos from a CSV file or from the annotation of a data set, as items to cut."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen

from vidcore.errors import DataError
from vidcore_prepare.engine import Item
from vidcore_prepare.files import find_files
from vidcore_prepare.videos import Segment
from vidcore_videos.class_lists import read_text

_SHOWN = 20  # problems in one message
_NEEDED = ("video", "start", "end")


@frozen(kw_only=True)
class Piece:
    """A segment that is wanted, of a video that may not be there."""

    video: str  # name of its file, with or without folders and suffix
    start: float  # seconds
    end: float
    name: str  # of what is cut, without suffix; folders are made


def read_segments(file: Path) -> list[Piece]:
    """Rows `video,start,end[,label]` of a CSV file with such a header; a label becomes the folder.

    Raises:
        DataError: With every problem of the file.
    """
    reader = csv.DictReader(io.StringIO(read_text(file, "segments"), newline=""), skipinitialspace=True)
    header = [name.strip().lower() for name in reader.fieldnames or ()]
    missing = [repr(name) for name in _NEEDED if name not in header]
    if missing:
        raise DataError(f"{file}:1: the header has no column {', '.join(missing)}; it needs video,start,end[,label]")
    reader.fieldnames = header
    pieces, problems = [], []
    for row in reader:
        try:
            pieces.append(_piece(row))
        except ValueError as error:
            problems.append(f"{file}:{reader.line_num}: {error}")
    if problems or not pieces:
        more = [f"... and {len(problems) - _SHOWN} more problems"] if len(problems) > _SHOWN else []
        raise DataError("\n".join([*problems[:_SHOWN], *more]) or f"{file} has a header and no rows")
    return pieces


def _piece(row: dict[str, str | None]) -> Piece:
    video, label = (row["video"] or "").strip(), (row.get("label") or "").strip()
    start, end = (_seconds(row[name] or "", name) for name in ("start", "end"))
    if not video:
        raise ValueError("no video")
    if end <= start:
        raise ValueError(f"the end, {end:g} s, is not after the start, {start:g} s")
    if ".." in Path(label).parts or Path(label).is_absolute():
        raise ValueError(f"label {label!r} is no name of a folder")
    name = f"{Path(video).stem}_{start:.10g}_{end:.10g}"
    return Piece(video=video, start=start, end=end, name=f"{label.replace('/', '_')}/{name}" if label else name)


def _seconds(text: str, name: str) -> float:
    """`12.5`, `1:02.5` or `0:01:02.5`."""
    try:
        value = 0.0
        for part in text.strip().split(":"):
            value = 60 * value + float(part)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} is {text!r}; expected seconds, such as 12.5, or 1:02.5")
    return value


def items_to_cut(pieces: Iterable[Piece], folder: Path, target: Path) -> list[Item]:
    """An item for each piece; a video that is not there is told when its turn comes, and counted.

    Raises:
        DataError: The folder has no video.
    """
    found: dict[str, Path] = {}
    for path in find_files(folder):
        inner = path.relative_to(folder) if path != folder else Path(path.name)
        for name in (str(inner), str(inner.with_suffix("")), path.name, path.stem):
            found.setdefault(name, path)
    return list(_items(pieces, found, folder, target))


def _items(pieces: Iterable[Piece], found: dict[str, Path], folder: Path, target: Path) -> Iterator[Item]:
    for piece in pieces:
        path = found.get(piece.video) or found.get(Path(piece.video).stem) or folder / piece.video
        segment = Segment(path=path, start=piece.start, end=piece.end)
        yield Item(name=piece.name, output=target / f"{piece.name}.mp4", source=segment)
