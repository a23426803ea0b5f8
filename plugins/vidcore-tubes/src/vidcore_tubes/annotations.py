"""The annotation pickle of UCF101-24, JHMDB and MultiSports, read as data and checked.

Boxes in it are pixels, frames count from 1. Letters: L frames of a tube.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen

from vidcore.errors import DataError
from vidcore.interfaces import Finding
from vidcore_checkpoints import read_annotations
from vidcore_tubes.tubes import Tube

_KEYS = ("labels", "nframes", "resolution", "gttubes")
_COLUMNS = 5  # frame, x1, y1, x2, y2
_SLACK = 0.05  # of the frame: a box that reaches further beyond it is wrong, not careless


class WrongTubeError(Exception):
    """Why an annotated tube cannot be used."""


@frozen(kw_only=True)
class Video:
    """What is annotated of one video."""

    name: str
    num_frames: int
    size: tuple[int, int]  # height, width
    tubes: tuple[tuple[int, Tube], ...]  # label and tube; frames from 0


@frozen(kw_only=True)
class TubeAnnotation:
    """The videos of a list, and what was odd about them."""

    file: Path
    labels: tuple[str, ...]
    videos: tuple[Video, ...]
    findings: tuple[Finding, ...]


def read_tubes(path: Path, use: str, split: int) -> TubeAnnotation:
    """The videos of one list of a pickle. Tubes that make no sense are left out, with an error finding each.

    Args:
        path: The pickle. Nothing that it names is executed.
        use: "train" or "test".
        split: From 1.

    Raises:
        DataError: It cannot be read, has another form, or there is no such split.
    """
    content = read_annotations(path)
    keys = (*_KEYS, f"{use}_videos")
    missing = [key for key in keys if not isinstance(content, Mapping) or key not in content]
    if missing:
        raise DataError(f"{path} has no {', '.join(map(repr, missing))}; expected a dict of {', '.join(keys)}")
    lists = content[f"{use}_videos"]
    if not isinstance(lists, list) or not all(isinstance(one, list) for one in lists):
        raise DataError(f"{path}: {use}_videos must be a list of lists of names, one a split")
    if split > len(lists):
        raise DataError(f"{path} has {len(lists)} splits; there is no split {split}")
    named, tables = content["labels"], [content[name] for name in ("nframes", "resolution", "gttubes")]
    if not isinstance(named, list | tuple) or not all(isinstance(table, Mapping) for table in tables):
        raise DataError(f"{path}: labels must be a list; nframes, resolution and gttubes dicts by the name of a video")
    labels = tuple(str(label) for label in named)
    findings: list[Finding] = []
    videos = [_video(path, content, str(name), len(labels), findings) for name in lists[split - 1]]
    return TubeAnnotation(file=path, labels=labels, videos=tuple(videos), findings=tuple(findings))


def _video(path: Path, content: Mapping[str, Any], name: str, num_labels: int, findings: list[Finding]) -> Video:
    where = f"{path}: {name!r}"
    try:
        num_frames, (height, width) = int(content["nframes"][name]), content["resolution"][name]
        by_label = content["gttubes"].get(name, {})
        size = int(height), int(width)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{where} has no number of frames, or no resolution: {type(error).__name__} {error}") from error
    if not isinstance(by_label, Mapping) or num_frames < 1 or min(size) < 1:
        raise DataError(f"{where} has {num_frames} frames of {size[0]}x{size[1]}; its tubes must be a dict by label")
    tubes = []
    for label, rows_of_tubes in by_label.items():
        if not isinstance(rows_of_tubes, list | tuple):
            raise DataError(f"{where}: label {label!r} has a {type(rows_of_tubes).__name__}; expected a list of tubes")
        for number, rows in enumerate(rows_of_tubes):
            place = f"{where}: tube {number} of label {label!r}"
            try:
                tube, cut = checked(name, rows, num_frames, size)
                if not isinstance(label, int | np.integer) or not 0 <= label < num_labels:
                    raise WrongTubeError(f"the label is no number from 0 to {num_labels - 1}")
            except WrongTubeError as error:
                findings.append(Finding("error", place, str(error)))
                continue
            if cut:
                findings.append(
                    Finding("warning", place, f"{cut} boxes reach beyond the frame; they are cut off there")
                )
            tubes.append((int(label), tube))
    return Video(name=name, num_frames=num_frames, size=size, tubes=tuple(tubes))


def checked(video: str, rows: Any, num_frames: int, size: tuple[int, int]) -> tuple[Tube, int]:
    """A tube, frames from 0, cut off at the border of the frame; and how many boxes were cut off.

    Raises:
        WrongTubeError: Rows are no boxes of frames of this video.
    """
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.shape[1] != _COLUMNS or rows.dtype.kind not in "fiu":
        form = f"{rows.dtype} {list(rows.shape)}" if isinstance(rows, np.ndarray) else f"a {type(rows).__name__}"
        raise WrongTubeError(f"is {form}; expected rows of frame, x1, y1, x2, y2")
    if not len(rows):
        raise WrongTubeError("has no box")
    for problem in _problems(rows.astype(np.float64), num_frames, size):
        raise WrongTubeError(problem)
    rows = rows[np.argsort(rows[:, 0], kind="stable")].astype(np.float64)
    height, width = size
    boxes = np.clip(rows[:, 1:], 0, [width, height, width, height])
    cut = int((boxes != rows[:, 1:]).any(axis=1).sum())
    return Tube(video, rows[:, 0].astype(np.int64) - 1, boxes), cut


def _problems(rows: np.ndarray[Any, np.dtype[np.float64]], num_frames: int, size: tuple[int, int]) -> Iterator[str]:
    """Yield what is wrong, each kind with its first row."""
    height, width = size
    frames, (x1, y1, x2, y2) = rows[:, 0], rows[:, 1:].T
    far = (np.minimum(x1 / width, y1 / height) < -_SLACK) | (np.maximum(x2 / width, y2 / height) > 1 + _SLACK)
    checks: Sequence[tuple[Any, str]] = [
        (~np.isfinite(rows).all(axis=1), "has numbers that are not finite"),
        ((frames != np.round(frames)) | (frames < 1) | (frames > num_frames), f"is not of frame 1 ... {num_frames}"),
        ((x2 <= x1) | (y2 <= y1), "is an empty box: x2 must be above x1 and y2 above y1"),
        (far, f"reaches far beyond the frame of {width}x{height}"),
    ]
    for wrong, text in checks:
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            yield f"row {row}, {[round(value, 2) for value in rows[row].tolist()]}, {text}"
    _, counts = np.unique(frames, return_counts=True)
    if (counts > 1).any():
        yield f"has {int(counts.max())} boxes in one frame"
