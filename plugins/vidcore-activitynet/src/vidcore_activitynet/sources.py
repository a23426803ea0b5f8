"""What `vidcore data fetch` and `vidcore data trim` ask: where the videos are, and which segments lie in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vidcore.errors import DataError

_ACTIVITYNET = "annotations/activity_net.v1-3.min.json"
_THUMOS = "https://www.crcv.ucf.edu/THUMOS14"


def activitynet_videos(folder: Path) -> Iterator[tuple[str, str]]:
    """File and address of every video; files are called `v_ID`, as those of features are.

    Raises:
        DataError: The annotation is not there, or is another file.
    """
    return (
        (f"youtube/v_{name}.mp4", f"https://www.youtube.com/watch?v={name}")
        for name in _database(folder / _ACTIVITYNET)
    )


def activitynet_segments(annotation: Path) -> Iterator[tuple[str, float, float, str]]:
    """Every annotated segment that has a length, in the folder of its activity.

    Raises:
        DataError: It is not the official annotation.
    """
    for name, entry in _database(annotation).items():
        for own in entry.get("annotations", ()):
            start, end = map(float, own["segment"])
            if end > start:
                yield f"v_{name}", start, end, f"{own['label'].replace('/', '_')}/v_{name}_{start:.2f}_{end:.2f}"


def thumos_videos(folder: Path) -> Iterator[tuple[str, str]]:
    """File and address of every annotated video.

    Raises:
        DataError: There is no annotation.
    """
    files = sorted((folder / "annotations").rglob("*_*.txt"))
    if not files:
        raise DataError(f"{folder / 'annotations'} has no CLASS_val.txt or CLASS_test.txt; fetch the annotations first")
    names = dict.fromkeys(name for file in files for name, _, _ in _rows(file))
    parts = {name: "Validation_set" if "validation" in name else "test_set" for name in names}
    return ((f"videos/{name}.mp4", f"{_THUMOS}/{part}/videos/{name}.mp4") for name, part in parts.items())


def thumos_segments(annotation: Path) -> Iterator[tuple[str, float, float, str]]:
    """Every segment of one official file, `CLASS_val.txt` or `CLASS_test.txt`, in the folder of its class.

    Raises:
        DataError: A row is wrong.
    """
    label = annotation.stem.rpartition("_")[0]
    for name, start, end in _rows(annotation):
        yield name, start, end, f"{label}/{name}_{start:.1f}_{end:.1f}"


def _database(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))["database"]
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{file}: cannot be read: {error}; fetch the annotations first") from error
    except (KeyError, TypeError) as error:
        raise DataError(f"{file}: has no 'database'; is it activity_net.v1-3.min.json?") from error
    if not isinstance(content, dict):
        raise DataError(f"{file}: 'database' should be an object, video -> what is in it")
    return content


def _rows(file: Path) -> Iterator[tuple[str, float, float]]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            try:
                name, start, end = line.split()
                yield name, float(start), float(end)
            except ValueError as error:
                raise DataError(f"{file}:{number}: expected VIDEO START END, found {line.strip()!r}") from error
