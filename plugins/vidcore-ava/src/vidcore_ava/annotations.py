"""Annotations, exclusions and key frames from their CSV files: typed rows, and what is wrong with the others.

A row is `video,second,x1,y1,x2,y2,label[,person]`, boxes as shares of the frame. Frames without a person have a row
that ends after the second, or empty cells.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import evolve, frozen

from vidcore.errors import DataError
from vidcore.interfaces import Finding
from vidcore_videos.class_lists import read_text

Box = tuple[float, float, float, float]
Key = tuple[str, float]  # video, second

_SHOWN = 20  # problems in one message; the rest are counted
_FEWEST_CELLS, _BOX_CELLS = 7, 4
_SLACK = 0.05  # of the frame: what reaches further beyond it is no slip of the hand, but pixels, or another order


@frozen(kw_only=True)
class Row:
    """One action of one person in one key frame."""

    number: int  # line of the file, from 1
    video: str
    second: float
    box: Box | None = None  # shares of the frame; None: nobody is there
    label: int = 0
    person: int = -1

    @property
    def key(self) -> Key:
        """Its key frame."""
        return self.video, self.second


@frozen
class Annotation:
    """The rows of a file, and findings about the others."""

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]


def read_annotation(path: Path, highest_label: int) -> Annotation:
    """Every row of an annotation that makes sense, and an error finding for each other one.

    A box that reaches a little beyond the frame is cut off at its border, with a warning.

    Raises:
        DataError: The file cannot be read, or has no good row.
    """
    rows, findings = [], []
    for number, cells in read_rows(path, "annotation"):
        found = _row(number, cells, highest_label)
        if isinstance(found, Row):
            rows.append(inside := _inside(found))
            if inside is not found:
                text = f"the box {list(found.box or ())} reaches beyond the frame; it is cut off there"
                findings.append(Finding("warning", f"{path}:{number}", text))
        else:
            findings += [Finding("error", f"{path}:{number}", text) for text in found]
    if not rows:
        first = f"; the first problem: {findings[0].where}: {findings[0].text}" if findings else ""
        raise DataError(f"{path} has no row with video, second, box and label{first}")
    return Annotation(tuple(rows), tuple(findings))


def read_exclusions(path: Path) -> frozenset[Key]:
    """Key frames that do not count.

    Raises:
        DataError: The file cannot be read, or a row is not `video,second`.
    """
    keys, problems = set(), []
    for number, cells in read_rows(path, "exclusion list"):
        second = number_of(cells[1]) if len(cells) > 1 else None
        if second is None:
            problems.append(f"{path}:{number}: expected `video,second`, got {','.join(cells)[:60]!r}")
        else:
            keys.add((cells[0], second))
    refuse(problems)
    return frozenset(keys)


def read_key_frames(path: Path) -> dict[Key, int]:
    """The frame, from 0, of each annotated second.

    Raises:
        DataError: The file cannot be read, has no such header, or a row is wrong.
    """
    reader = csv.DictReader(io.StringIO(read_text(path, "key frames"), newline=""))
    missing = {"video", "timestamp", "frame_index"} - set(reader.fieldnames or ())
    if missing:
        raise DataError(f"{path}:1: the header has no column {', '.join(sorted(missing))}")
    frames, problems = {}, []
    for row in reader:
        second, frame = number_of(row["timestamp"]), number_of(row["frame_index"])
        if second is None or frame is None or frame < 0 or frame != int(frame):
            problems.append(f"{path}:{reader.line_num}: timestamp and frame_index must be numbers")
        else:
            frames[row["video"], second] = int(frame)
    refuse(problems)
    return frames


def refuse(problems: Sequence[str]) -> None:
    """Raise DataError with the problems, if there are any."""
    if problems:
        more = [f"... and {len(problems) - _SHOWN} more problems"] if len(problems) > _SHOWN else []
        raise DataError("\n".join([*problems[:_SHOWN], *more]))


def number_of(text: str | None) -> float | None:
    """A finite number; None for anything else."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def box_problems(box: Sequence[float]) -> Iterator[str]:
    """Yield what is wrong with a box of shares."""
    x1, y1, x2, y2 = box
    if min(x1, y1) < -_SLACK or max(x2, y2) > 1 + _SLACK:
        yield f"the box {[x1, y1, x2, y2]} reaches far beyond the frame: shares are from 0 to 1"
    elif min(x2, y2) <= 0 or max(x1, y1) >= 1:
        yield f"the box {[x1, y1, x2, y2]} lies outside the frame: shares are from 0 to 1"
    if x2 <= x1 or y2 <= y1:
        yield f"the box {[x1, y1, x2, y2]} is empty: x2 must be above x1 and y2 above y1"


def _inside(row: Row) -> Row:
    """The row with its box cut off at the border of the frame; the same row where nothing is cut off."""
    if row.box is None or (min(row.box) >= 0 and max(row.box) <= 1):
        return row
    x1, y1, x2, y2 = (min(max(value, 0.0), 1.0) for value in row.box)
    return evolve(row, box=(x1, y1, x2, y2))


def _row(number: int, cells: list[str], highest_label: int) -> Row | list[str]:
    """The row, or what is wrong with it."""
    second = number_of(cells[1]) if len(cells) > 1 else None
    if not cells[0] or second is None:
        return [f"expected video,second,x1,y1,x2,y2,label, got {','.join(cells)[:80]!r}"]
    if not any(cells[2:]):
        return Row(number=number, video=cells[0], second=second)
    if len(cells) < _FEWEST_CELLS:
        return [f"has {len(cells)} cells; expected video,second,x1,y1,x2,y2,label"]
    box = [value for value in map(number_of, cells[2:6]) if value is not None]
    if len(box) == _BOX_CELLS:
        problems = list(box_problems(box))
    else:
        problems = [f"the box {','.join(cells[2:6])} has cells that are no numbers"]
    label = number_of(cells[6])
    if label is None or label != int(label) or not 1 <= label <= highest_label:
        problems.append(f"label {cells[6]!r} is no number from 1 to {highest_label}; is the label map right?")
    cell = cells[7] if len(cells) > _FEWEST_CELLS else ""
    person = number_of(cell or "-1")
    if person is None or person != int(person):
        problems.append(f"person {cell!r} is no whole number")
    if problems:
        return problems
    x1, y1, x2, y2 = box
    return Row(
        number=number,
        video=cells[0],
        second=second,
        box=(x1, y1, x2, y2),
        label=int(label or 0),
        person=int(person or 0),
    )


def read_rows(path: Path, what: str) -> Iterator[tuple[int, list[str]]]:
    """Rows of a CSV file with their line numbers, from 1; empty ones and a header are left out.

    Raises:
        DataError: It cannot be read.
    """
    reader = csv.reader(io.StringIO(read_text(path, what), newline=""))
    for cells in reader:
        cells = [cell.strip() for cell in cells]
        if any(cells) and not (reader.line_num == 1 and cells[0] in ("video_id", "video")):
            yield reader.line_num, cells
