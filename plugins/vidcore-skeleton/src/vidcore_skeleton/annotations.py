"""Annotation pickles of the field as a few flat tensors, which worker processes share.

Letters: M persons, T frames, V joints, C channels. Nothing in a pickle is executed; what is wrong with a row is told
with its number and name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import frozen
from torch import Tensor

from vidcore.errors import DataError
from vidcore.interfaces import Finding
from vidcore.wording import nearest
from vidcore_checkpoints import read_annotations
from vidcore_skeleton.skeletons import Array, Skeleton

_SHOWN = 5  # names in a message


class UnusableRowError(Exception):
    """Why a row of an annotation file cannot be used."""


@frozen(kw_only=True, eq=False)
class PoseTable:
    """Sequences by index."""

    file: Path
    names: tuple[str, ...]
    labels: Tensor  # int64 [rows]
    shapes: Tensor  # int64 [rows, 4]: M, T, V, C; zeros where a row is unusable
    values: Tensor  # all key points one after the other, in the precision of the file
    ends: Tensor  # int64 [rows]
    scores: Tensor  # all confidences one after the other
    score_ends: Tensor  # int64 [rows]; as the row before where there are none
    image_sizes: Tensor  # int64 [rows, 2]: height, width; zeros where they are not known
    unusable: dict[int, str]  # row -> why
    num_labels: int  # of the whole file, so that all splits have the same classes

    def __len__(self) -> int:
        return len(self.names)

    def label(self, index: int) -> int:
        return int(self.labels[index])

    def name(self, index: int) -> str:
        return self.names[index]

    def where(self, index: int) -> str:
        """The file and the name of the sequence."""
        return f"{self.file}: {self.names[index]!r}"

    def read(self, index: int) -> Skeleton:
        """The sequence at this index.

        Raises:
            DataError: It cannot be used.
        """
        if index in self.unusable:
            raise DataError(f"{self.where(index)}: {self.unusable[index]}")
        shape = self.shapes[index].tolist()
        scores = _part(self.scores, self.score_ends, index)
        height, width = self.image_sizes[index].tolist()
        return Skeleton(
            joints=_part(self.values, self.ends, index).reshape(shape),
            scores=scores.reshape(shape[:3]) if scores.size else None,
            image_size=(height, width) if height else None,
        )

    def findings(self) -> Iterator[Finding]:
        """Rows that cannot be used."""
        for index, text in self.unusable.items():
            yield Finding("error", self.where(index), text)


def read_table(path: Path, split: str) -> PoseTable:
    """The sequences of a split of an annotation file.

    Raises:
        DataError: The file cannot be read or has another form, or there is no such split.
    """
    chosen, num_labels = rows_of(path, split)
    return _table(path, chosen, num_labels)


def rows_of(path: Path, split: str) -> tuple[list[tuple[int, dict[str, Any]]], int]:
    """The annotations of a split as they stand in the file, with their numbers, and how many labels the file has.

    Raises:
        DataError: As in `read_table`.
    """
    content = read_annotations(path)
    rows = content["annotations"] if isinstance(content, dict) and "annotations" in content else content
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        keys = f"a dict of {', '.join(map(repr, list(content)[:_SHOWN]))}" if isinstance(content, dict) else "no dict"
        raise DataError(f"{path} holds {keys}; expected {{'split': {{...}}, 'annotations': [{{...}}, ...]}}, or a list")
    labels = [row.get("label") for row in rows]
    known = [int(label) for label in labels if isinstance(label, int | np.integer)]
    chosen = _split_rows(path, content, rows, split) if split else list(enumerate(rows))
    if not chosen:
        raise DataError(f"{path}: split {split!r} has no annotation")
    return chosen, max(known, default=-1) + 1


def _split_rows(path: Path, content: Any, rows: list[Any], split: str) -> list[tuple[int, dict[str, Any]]]:
    splits = content.get("split") if isinstance(content, dict) else None
    if not isinstance(splits, dict) or split not in splits:
        there = ", ".join(map(repr, splits)) if isinstance(splits, dict) else "none"
        hint = nearest(split, splits) if isinstance(splits, dict) else "; leave out 'split'"
        raise DataError(f"{path} has no split {split!r}{hint}; its splits: {there}")
    names = entries_of(splits[split])
    if names is None:
        raise DataError(f"{path}: split {split!r} is a {type(splits[split]).__name__}; expected a list of names")
    wanted = {str(name) for name in names}
    chosen = [(i, row) for i, row in enumerate(rows) if row_name(row, i) in wanted]
    if missing := sorted(wanted - {row_name(row, i) for i, row in chosen}):
        some = ", ".join(missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else "")
        raise DataError(f"{path}: split {split!r} names {len(missing)} sequences without annotation: {some}")
    return chosen


def row_name(row: dict[str, Any], index: int) -> str:
    """What splits call a row: its `frame_dir`, in some files `filename`."""
    return str(row.get("frame_dir", row.get("filename", f"row {index}")))


def _table(path: Path, rows: Sequence[tuple[int, dict[str, Any]]], num_labels: int) -> PoseTable:
    unusable: dict[int, str] = {}
    checked: list[tuple[int, Array, Array, tuple[int, int]]] = []
    for index, (number, row) in enumerate(rows):
        try:
            checked.append((*_checked(row), image_size_of(row)))
        except UnusableRowError as error:
            unusable[index] = f"row {number}: {error}"
            checked.append((0, np.zeros((0, 0, 0, 0), np.float32), np.zeros(0, np.float32), (0, 0)))
    labels, joints, scores, sizes = zip(*checked, strict=True)
    return PoseTable(
        file=path,
        names=tuple(row_name(row, number) for number, row in rows),
        labels=torch.tensor(labels),
        shapes=torch.tensor([array.shape for array in joints]),
        values=_packed(joints),
        ends=torch.tensor([array.size for array in joints]).cumsum(0),
        scores=_packed(scores),
        score_ends=torch.tensor([array.size for array in scores]).cumsum(0),
        image_sizes=torch.tensor(sizes),
        unusable=unusable,
        num_labels=num_labels,
    )


def _checked(row: dict[str, Any]) -> tuple[int, Array, Array]:
    """Label, key points and confidences (empty where there are none)."""
    label, joints, scores = row.get("label"), row.get("keypoint"), row.get("keypoint_score")
    if isinstance(label, bool) or not isinstance(label, int | np.integer) or label < 0:
        raise UnusableRowError(f"label is {label!r}; expected a class number from 0")
    if not isinstance(joints, np.ndarray) or joints.ndim != 4 or joints.dtype.kind not in "fiu":
        raise UnusableRowError(f"keypoint is {_form(joints)}; expected numbers [persons, frames, joints, channels]")
    if not joints.size:
        raise UnusableRowError(f"keypoint is {_form(joints)}: there is no person or no frame in it")
    frames = row.get("total_frames", joints.shape[1])
    if np.ndim(frames) or frames != joints.shape[1]:
        raise UnusableRowError(f"total_frames is {frames}, but keypoint has {joints.shape[1]} frames")
    if scores is None:
        return int(label), joints, np.zeros(0, np.float32)
    if not isinstance(scores, np.ndarray) or scores.shape != joints.shape[:3] or scores.dtype.kind not in "fiu":
        raise UnusableRowError(
            f"keypoint_score is {_form(scores)}; expected numbers {list(joints.shape[:3])}, as keypoint"
        )
    return int(label), joints, scores


def entries_of(value: Any) -> list[Any] | None:
    """What a list, a tuple, a set or an array of one axis holds; None for anything else."""
    if isinstance(value, np.ndarray):
        return list(value) if value.ndim == 1 else None
    return list(value) if isinstance(value, list | tuple | set) else None


def _form(value: Any) -> str:
    return f"{value.dtype} {list(value.shape)}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"


def image_size_of(row: dict[str, Any]) -> tuple[int, int]:
    """Height and width; zeros where a row does not tell them.

    Raises:
        UnusableRowError: It tells something else.
    """
    size = row.get("img_shape")
    if size is None:
        return (0, 0)
    numbers = (entries_of(size) or [])[:2]
    if len(numbers) < 2 or not all(isinstance(one, int | float | np.number) and 0 < one < np.inf for one in numbers):
        raise UnusableRowError(f"img_shape is {size!r}; expected height and width")
    return int(numbers[0]), int(numbers[1])


def _packed(arrays: Sequence[Array]) -> Tensor:
    """All numbers one after the other; half precision where the whole file has it."""
    kinds = {array.dtype for array in arrays if array.size}
    dtype = np.float16 if kinds == {np.dtype(np.float16)} else np.float32
    packed = np.empty(sum(array.size for array in arrays), dtype)
    start = 0
    for array in arrays:
        packed[start : start + array.size] = array.reshape(-1)
        start += array.size
    return torch.from_numpy(packed)


def _part(values: Tensor, ends: Tensor, index: int) -> Array:
    part: Array = values[int(ends[index - 1]) if index else 0 : int(ends[index])].numpy().astype(np.float32)
    return part
