"""The official evaluation over CSV files, and the CSV that it reads.

Rows of results are `video,second,x1,y1,x2,y2,label,score`. Letters: K classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from vidcore.errors import DataError
from vidcore_ava.annotations import Box, Key, box_problems, number_of, read_rows, refuse
from vidcore_detection.average_precision import Frame, average_precisions, listed, mean_of

_RESULT_CELLS = 8


@frozen(kw_only=True)
class Rules:
    """Where the evaluations of the field differ. The defaults are those of published figures up to 2023."""

    iou: float = 0.5  # overlap of a detection that is right, at least
    undetected: Literal["zero", "leave-out"] = "zero"  # a class that nothing was taken for
    unannotated_frames: Literal["count", "ignore"] = "count"  # detections on frames where nothing is annotated
    excluded_truth: Literal["ignore", "count"] = "ignore"  # "count": it is still to be found, though nothing may be


@frozen(kw_only=True)
class Detection:
    """One row, of truth (score 1) or of results."""

    key: Key
    box: Box
    label: int
    score: float = 1.0


def per_class(
    truth: Iterable[Detection],
    detections: Iterable[Detection],
    numbers: Sequence[int],
    excluded: frozenset[Key] = frozenset(),
    rules: Rules | None = None,
) -> dict[int, float]:
    """Average precision of each label; nan for one that is annotated nowhere.

    Args:
        truth: Annotated boxes, one row a label.
        detections: What was found.
        numbers: Labels that count.
        excluded: Key frames that do not.
        rules: Left out: as in published figures.
    """
    rules = rules or Rules()
    indices = {number: index for index, number in enumerate(numbers)}
    truths, found = ([row for row in rows if row.label in indices] for rows in (truth, detections))
    totals = None
    if rules.excluded_truth == "count":
        totals = np.bincount([indices[row.label] for row in truths], minlength=len(numbers))
    frames = _frames(truths, found, indices, excluded)
    values = average_precisions(
        frames,
        len(numbers),
        iou=rules.iou,
        undetected=rules.undetected,
        unannotated_frames=rules.unannotated_frames,
        num_truths=totals,
    )
    return dict(zip(numbers, values.tolist(), strict=True))


def figures(values: Mapping[int, float], groups: Mapping[str, tuple[int, int]]) -> dict[str, float]:
    """`frame_map` over all labels, and `frame_map_NAME` over those of each group, first to last number."""
    known = {"frame_map": (0, max(values, default=0)), **{f"frame_map_{name}": group for name, group in groups.items()}}
    return {
        name: mean_of(np.array([value for number, value in values.items() if first <= number <= last]))
        for name, (first, last) in known.items()
    }


def read_truth(path: Path) -> list[Detection]:
    """Annotated boxes.

    Raises:
        DataError: The file cannot be read, or a row is wrong.
    """
    return list(_detections(path, _RESULT_CELLS - 1))


def read_results(path: Path) -> list[Detection]:
    """Results.

    Raises:
        DataError: The file cannot be read, or a row is wrong.
    """
    return list(_detections(path, _RESULT_CELLS))


def result_lines(
    key: Key,
    boxes: NDArray[Any],
    scores: NDArray[Any],
    numbers: Sequence[int],
    *,
    threshold: float = 0.002,
    decimals: int = 3,
) -> Iterator[str]:
    """Rows of results for one key frame, label after label.

    Args:
        key: Video and second.
        boxes: Shares of the frame, `[P, 4]`.
        scores: `[P, K]`.
        numbers: What the classes are called in the label map, K of them.
        threshold: Only scores above it; below 0: the best class of each box alone.
        decimals: Of boxes and scores, which are rounded.
    """
    video, second = key
    for box, label, score in zip(*listed(boxes, scores, threshold), strict=True):
        cells = [f"{value:.{decimals}f}" for value in (*box, score)]
        yield ",".join([video, f"{second:g}", *cells[:4], str(numbers[label]), cells[4]])


def _frames(
    truth: Sequence[Detection], found: Sequence[Detection], indices: Mapping[int, int], excluded: frozenset[Key]
) -> list[Frame]:
    by_key: dict[Key, tuple[list[Detection], list[Detection]]] = {}
    for which, rows in enumerate((truth, found)):
        for row in rows:
            if row.key not in excluded:
                by_key.setdefault(row.key, ([], []))[which].append(row)
    return [_frame(*by_key[key], indices) for key in sorted(by_key)]


def _frame(truth: Sequence[Detection], found: Sequence[Detection], indices: Mapping[int, int]) -> Frame:
    boxes = [np.array([row.box for row in rows]).reshape(-1, 4) for rows in (truth, found)]
    labels = [np.array([indices[row.label] for row in rows], int) for rows in (truth, found)]
    scores = np.array([row.score for row in found])
    return Frame(truth_boxes=boxes[0], truth_labels=labels[0], boxes=boxes[1], labels=labels[1], scores=scores)


def _detections(path: Path, cells_needed: int) -> Iterator[Detection]:
    problems = []
    for number, cells in read_rows(path, "results"):
        if not any(cells[2:]) and cells_needed < _RESULT_CELLS:
            continue  # nobody is there
        numbers = [number_of(cell) for cell in cells[1:cells_needed]]
        if len(cells) < cells_needed or None in numbers:
            what = "video,second,x1,y1,x2,y2,label" + (",score" if cells_needed == _RESULT_CELLS else "")
            problems.append(f"{path}:{number}: expected {what}, got {','.join(cells)[:80]!r}")
            continue
        second, x1, y1, x2, y2, label, *score = (float(value or 0) for value in numbers)
        wrong = next(box_problems((x1, y1, x2, y2)), "")
        if wrong or label != int(label):
            problems.append(f"{path}:{number}: {wrong or f'the label {label:g} is no number of an action'}")
            continue
        yield Detection(
            key=(cells[0], second), box=(x1, y1, x2, y2), label=int(label), score=score[0] if score else 1.0
        )
    refuse(problems)


def check_numbers(numbers: Iterable[int], known: Iterable[int], where: object = "") -> None:
    """Refuse labels that a label map has not.

    Args:
        numbers: Labels.
        known: Of the label map.
        where: The file that has them, for the message.

    Raises:
        DataError: Naming them.
    """
    unknown = sorted(set(numbers) - set(known))
    if unknown:
        told = f"{where}: " if where else ""
        raise DataError(
            f"{told}the label map has no label {', '.join(map(str, unknown[:10]))}; give the right label map"
        )
