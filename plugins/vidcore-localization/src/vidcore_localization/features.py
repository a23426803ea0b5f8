"""Files of features: one a video, a row for each moment. Letters: C channels, T moments."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vidcore.errors import DataError
from vidcore_localization.segments import Array

CLASS_NAMES = "classes.txt"  # beside files that are scores of classes
Layout = Literal["time-first", "channels-first"]


def read_features(path: Path, layout: Layout = "time-first") -> Tensor:
    """Features of a video, float32 `[C, T]`.

    Text (`.csv`) may start with a line of names. Nothing in a file is executed.

    Raises:
        DataError: The file is missing, has another form, or a value that is not finite.
    """
    try:
        values = read_numbers(path)[1] if path.suffix == ".csv" else _read_array(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise DataError(f"{path}: is no table of numbers: {error}") from error
    if values.ndim != 2 or 0 in values.shape:
        raise DataError(f"{path}: has shape {list(values.shape)}; features have two dimensions, time and channels")
    with np.errstate(over="ignore"):
        broken = np.argwhere(~np.isfinite(values.astype(np.float32)))
    if len(broken):
        row, column = broken[0]
        raise DataError(f"{path}: row {row + 1}, column {column + 1} is {values[row, column]}; extract it again")
    values = values.T if layout == "time-first" else values
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def read_labels(path: Path) -> Array:
    """The label of each frame, int64 `[T]`: of a file of labels `[T]`, or the best of scores `[T, K]`.

    Raises:
        DataError: The file is missing, has another form, or a label below 0 or that is no whole number.
    """
    try:
        values = _read_array(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise DataError(f"{path}: is no array of numbers: {error}") from error
    whole = values.ndim == 1 and values.dtype.kind in "iu"
    if not len(values.shape) or not values.size or not (whole or (values.ndim == 2 and values.dtype.kind == "f")):
        raise DataError(f"{path}: is {values.dtype} {list(values.shape)}; expected whole numbers [T], or scores [T, K]")
    broken = np.flatnonzero(values < 0) if whole else np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(broken):
        raise DataError(f"{path}: frame {broken[0]} is {values[broken[0]]}; labels count from 0, scores are finite")
    found: Array = values.astype(np.int64) if whole else values.argmax(axis=1)
    return found


def resample(features: Tensor, length: int) -> Tensor:
    """`[C, T]` to `[C, length]`: averaged over equal parts of the video, or interpolated where they are too few."""
    if features.shape[1] == length:
        return features
    mode = "area" if features.shape[1] > length else "linear"
    return F.interpolate(features[None], size=length, mode=mode)[0]


def read_numbers(path: Path) -> tuple[tuple[str, ...], Array]:
    """Names of the first line, where it has some, and the rows of a CSV, float64 `[rows, columns]`.

    Raises:
        OSError: It cannot be read.
        ValueError: It has no row, rows of different length, or cells that are no numbers.
    """
    with path.open(encoding="utf-8") as file:
        lines = file.readlines()
    head = lines[:1] if lines and not _is_numbers(lines[0]) else []
    if not any(map(str.strip, lines[len(head) :])):
        raise ValueError("it has no row of numbers")
    table: Array = np.loadtxt(lines[len(head) :], delimiter=",", ndmin=2, dtype=np.float64)
    return tuple(head[0].strip().split(",")) if head else (), table


def _read_array(path: Path) -> Array:
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return loaded
    with loaded:
        if len(loaded.files) != 1:
            raise ValueError(f"it has {len(loaded.files)} arrays, {', '.join(loaded.files[:3])}; one is expected")
        array: Array = loaded[loaded.files[0]]
        return array


def _is_numbers(line: str) -> bool:
    try:
        [float(value) for value in line.split(",")]
    except ValueError:
        return False
    return True
