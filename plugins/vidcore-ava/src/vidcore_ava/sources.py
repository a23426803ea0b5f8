"""What `vidcore data fetch` and `vidcore data trim` ask: where the films are, and which part of them is annotated."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from vidcore.errors import DataError
from vidcore_ava.annotations import number_of, read_rows
from vidcore_videos.class_lists import read_text

_FILMS = "https://s3.amazonaws.com/ava-dataset/trainval/"
_NAMES = "annotations/ava_file_names_trainval_v2.1.txt"
_BEGIN, _END = 900.0, 1801.0  # seconds; the annotated ones are 902 to 1798, and a clip reaches beyond its key frame
_AROUND = 3  # whole seconds at either side of a key frame: 64 frames of 25 a second, with room for jitter


def videos(folder: Path) -> Iterator[tuple[str, str]]:
    """File and address of every film of the training and validation sets.

    Raises:
        DataError: The list of films is not there.
    """
    names = read_text(folder / _NAMES, "list of films").split()
    return ((f"films/{name}", f"{_FILMS}{name}") for name in names)


def segments(annotation: Path) -> Iterator[tuple[str, float, float, str]]:
    """The fifteen annotated minutes of each film that an annotation names; what is cut keeps the name of the film.

    Raises:
        DataError: It cannot be read.
    """
    names = dict.fromkeys(cells[0] for _, cells in read_rows(annotation, "annotation"))
    return ((name, _BEGIN, _END, name) for name in names)


def kinetics_videos(folder: Path) -> Iterator[tuple[str, str]]:
    """File and address of every video of AVA-Kinetics that comes from Kinetics-700.

    Raises:
        DataError: The annotations are not there.
    """
    files = sorted((folder / "annotations").rglob("kinetics_*_v1.0.csv"))
    if not files:
        raise DataError(f"{folder / 'annotations'} has no kinetics_train_v1.0.csv; fetch the annotations first")
    names = dict.fromkeys(cells[0] for file in files for _, cells in read_rows(file, "annotation"))
    return ((f"youtube/{name}.mp4", f"https://www.youtube.com/watch?v={name}") for name in names)


def kinetics_segments(annotation: Path) -> Iterator[tuple[str, float, float, str]]:
    """What a clip around each annotated second needs, in whole seconds.

    A piece is called `VIDEO_START_END` in six digits each, which the data set reads with `start_in_name = true`.

    Raises:
        DataError: It cannot be read, or a second is no number.
    """
    seconds: dict[tuple[str, float], None] = {}
    for number, cells in read_rows(annotation, "annotation"):
        second = number_of(cells[1]) if len(cells) > 1 else None
        if second is None or second < 0:
            raise DataError(f"{annotation}:{number}: expected video,second,..., found {','.join(cells)[:60]!r}")
        seconds[cells[0], second] = None
    for name, second in seconds:
        start, end = max(math.floor(second) - _AROUND, 0), math.ceil(second) + _AROUND
        yield name, float(start), float(end), f"{name}_{start:06d}_{end:06d}"
