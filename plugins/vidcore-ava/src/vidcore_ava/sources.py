"""What `vidcore data fetch` and `vidcore data trim` ask: where the films are, and which part of them is annotated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vidcore_ava.annotations import read_rows
from vidcore_videos.class_lists import read_text

_FILMS = "https://s3.amazonaws.com/ava-dataset/trainval/"
_NAMES = "annotations/ava_file_names_trainval_v2.1.txt"
_BEGIN, _END = 900.0, 1801.0  # seconds; the annotated ones are 902 to 1798, and a clip reaches beyond its key frame


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
