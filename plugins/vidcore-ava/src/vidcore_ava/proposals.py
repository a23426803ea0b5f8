"""Boxes of a person detector, from pickles read as data, JSON or CSV: for each key frame boxes and scores."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from vidcore.errors import DataError
from vidcore_ava.annotations import Key, box_problems, number_of, refuse
from vidcore_checkpoints import read_annotations
from vidcore_videos.class_lists import read_text

log = logging.getLogger("vidcore.ava")
_BOX_CELLS = 4


@frozen(eq=False)
class Proposals:
    """Of one key frame."""

    boxes: NDArray[Any]  # shares of the frame, [P, 4]
    scores: NDArray[Any]  # that a person is there, [P]

    def best(self, min_score: float, most: int) -> Proposals:
        """Those of at least a score, the first so many. Where none reaches it, the best one."""
        if not len(self.scores):
            return self
        kept = np.flatnonzero(self.scores >= min(min_score, float(self.scores.max())))[:most]
        return Proposals(self.boxes[kept], self.scores[kept])


def read_proposals(path: Path, *, skip: bool = False) -> dict[Key, Proposals]:
    """Proposals by key frame. Nothing that a pickle names is executed.

    A box that is empty or reaches far beyond the frame is an error; with `skip` it is left out, counted and named.

    A pickle or JSON file maps `video,second` to rows x1, y1, x2, y2[, score]. A CSV file has rows
    `video,second,x1,y1,x2,y2[,label],score`.

    Raises:
        DataError: The file cannot be read, or a row is wrong; tells which.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _checked(path, _from_csv(path), skip)
    if suffix == ".json":
        try:
            content = json.loads(read_text(path, "proposals"))
        except json.JSONDecodeError as error:
            raise DataError(f"{path}:{error.lineno}: not valid JSON: {error.msg}") from error
    else:
        content = read_annotations(path)
    if not isinstance(content, Mapping):
        raise DataError(f"{path} holds a {type(content).__name__}; expected `video,second` -> rows of boxes")
    return _checked(path, _from_mapping(path, content), skip)


def _checked(path: Path, found: Mapping[Key, Proposals], skip: bool) -> dict[Key, Proposals]:
    """The same, without boxes that make no sense."""
    good, problems = {}, []
    for (video, second), own in found.items():
        told = [next(box_problems(box), "") for box in own.boxes.tolist()]
        problems += [f"{path}: {video},{second:g}: row {row}: {text}" for row, text in enumerate(told) if text]
        kept = np.array([not text for text in told], bool)
        good[video, second] = Proposals(own.boxes[kept], own.scores[kept])
    if skip and problems:
        log.warning("%d proposals make no sense and are left out, the first: %s", len(problems), problems[0])
    elif problems:
        refuse([*problems[:20], f'{len(problems)} bad boxes; mend them, or set bad_rows = "skip" to leave them out'])
    return good


def _from_mapping(path: Path, content: Mapping[Any, Any]) -> dict[Key, Proposals]:
    found, problems = {}, []
    for name, rows in content.items():
        video, _, second_text = str(name).rpartition(",")
        second = number_of(second_text)
        boxes = _array(rows)
        if not video or second is None:
            problems.append(f"{path}: {str(name)[:60]!r} is no `video,second`")
        elif boxes is None:
            problems.append(f"{path}: {name}: rows must be x1, y1, x2, y2 and perhaps a score, finite numbers")
        else:
            found[video, second] = boxes
    refuse(problems)
    return found


def _from_csv(path: Path) -> dict[Key, Proposals]:
    rows: dict[Key, list[list[float]]] = {}
    problems = []
    reader = csv.reader(io.StringIO(read_text(path, "proposals"), newline=""))
    for cells in reader:
        if not any(cells):
            continue
        numbers = [number_of(cell) for cell in (*cells[1:6], cells[-1])] if len(cells) > _BOX_CELLS + 1 else [None]
        if None in numbers:
            problems.append(f"{path}:{reader.line_num}: expected video,second,x1,y1,x2,y2[,label],score")
            continue
        second, *box = (float(value or 0) for value in numbers)
        score = box[-1] if len(cells) > _BOX_CELLS + 2 else 1.0
        rows.setdefault((cells[0].strip(), second), []).append([*box[:4], score])
    refuse(problems)
    arrays = ((key, np.array(boxes)) for key, boxes in rows.items())
    return {key: Proposals(array[:, :4], array[:, 4]) for key, array in arrays}


def _array(rows: Iterable[Any]) -> Proposals | None:
    try:
        array = np.asarray(rows, np.float64)
    except (TypeError, ValueError):
        return None
    if array.size == 0:
        return Proposals(np.zeros((0, 4)), np.zeros(0))
    if array.ndim != 2 or array.shape[1] not in (_BOX_CELLS, _BOX_CELLS + 1) or not np.isfinite(array).all():
        return None
    scores = array[:, 4] if array.shape[1] > _BOX_CELLS else np.ones(len(array))
    return Proposals(array[:, :4], scores)
