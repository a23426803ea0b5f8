"""Rows of the official CSV files, checked.

The files of DeepMind: `label,youtube_id,time_start,time_end,split`, with `is_cc` after it in Kinetics-400. Seconds are
those of the video on YouTube; the clip that was cut from it is called `ID_000017_000027`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import frozen

from vidcore.errors import DataError
from vidcore.wording import nearest
from vidcore_kinetics.class_names import class_names, labels_by_name, plain
from vidcore_videos.class_lists import read_text

_SHOWN = 20  # problems in one message; the rest are counted


@frozen(kw_only=True)
class Clip:
    """One row."""

    number: int  # line of the file, from 1
    youtube_id: str
    start: int  # seconds
    end: int
    label: int

    @property
    def stems(self) -> tuple[str, ...]:
        """Names that its file may have, without suffix: as the usual crawlers call it, and the bare id."""
        return f"{self.youtube_id}_{self.start:06d}_{self.end:06d}", self.youtube_id


def is_official(file: Path) -> bool:
    """Whether a list is one of DeepMind's, told by its header."""
    if file.suffix != ".csv":
        return False
    first = read_text(file, "list").partition("\n")[0]
    return "youtube_id" in [cell.strip() for cell in first.split(",")]


def read_clips(file: Path, edition: int) -> list[Clip]:
    """All rows of an official CSV.

    Raises:
        DataError: With every problem of the file.
    """
    reader = csv.DictReader(io.StringIO(read_text(file, "list"), newline=""), skipinitialspace=True)
    header = [name.strip() for name in reader.fieldnames or ()]
    missing = [name for name in ("label", "youtube_id", "time_start", "time_end") if name not in header]
    if missing == ["label"]:
        raise DataError(f"{file}:1: has no column 'label': the classes of this split were never published in this file")
    if missing:
        raise DataError(f"{file}:1: the header has no column {' and no column '.join(map(repr, missing))}")
    reader.fieldnames = header
    clips, problems = [], []
    for row in reader:
        found = _clip(row, reader.line_num, edition)
        if isinstance(found, Clip):
            clips.append(found)
        else:
            problems += [f"{file}:{reader.line_num}: {text}" for text in found]
    if problems:
        more = len(problems) - _SHOWN
        raise DataError("\n".join(problems[:_SHOWN] + ([f"... and {more} more problems of this file"] * (more > 0))))
    if not clips:
        raise DataError(f"{file} has a header and no rows; fetch it again")
    return clips


def _clip(row: Mapping[str, str | None], number: int, edition: int) -> Clip | list[str]:
    """The row, or what is wrong with it."""
    problems = list(_problems(row, edition))
    if problems:
        return problems
    return Clip(
        number=number,
        youtube_id=_cell(row, "youtube_id"),
        start=round(float(_cell(row, "time_start"))),
        end=round(float(_cell(row, "time_end"))),
        label=labels_by_name(edition)[plain(_cell(row, "label"))],
    )


def _problems(row: Mapping[str, str | None], edition: int) -> Iterator[str]:
    label = _cell(row, "label")
    if plain(label) not in labels_by_name(edition):
        hint = nearest(label, class_names(edition))
        yield f"Kinetics-{edition} has no class {label!r}{hint}; is `edition` right?"
    if not _cell(row, "youtube_id"):
        yield "no youtube_id"
    for name in ("time_start", "time_end"):
        if not _is_seconds(_cell(row, name)):
            yield f"{name} is {_cell(row, name)!r}; expected seconds"


def _cell(row: Mapping[str, str | None], name: str) -> str:
    return (row.get(name) or "").strip()


def _is_seconds(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()
