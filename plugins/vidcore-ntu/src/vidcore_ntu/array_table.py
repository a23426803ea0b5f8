"""Skeletons of a whole set in one array, with a pickle of names and labels.

So BABEL is published, and so the code of ST-GCN, 2s-AGCN and their successors keeps NTU RGB+D and Kinetics.
Letters: N sequences, C coordinates, T frames, V joints, M persons.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen

from vidcore.errors import DataError
from vidcore.interfaces import Finding
from vidcore_checkpoints import read_annotations
from vidcore_ntu.packed import Array
from vidcore_ntu.sequences import LabelledSequences
from vidcore_skeleton.annotations import entries_of
from vidcore_skeleton.skeletons import Skeleton


@frozen(eq=False, kw_only=True)
class ArrayTable(LabelledSequences):
    """Sequences by index. The array stays on the disk; only the sequence that is wanted is read."""

    file: Path  # `.npy` of [N, C, T, V, M]

    def where(self, index: int) -> str:
        """The array, and the name and number of the sequence."""
        return f"{self.file}: {self.names[index]!r} (number {index})"

    def read(self, index: int) -> Skeleton:
        """The sequence at this index, without the empty frames that fill up its end.

        Raises:
            DataError: The array cannot be read.
        """
        joints = np.array(_opened(self.file)[index], np.float32).transpose(3, 1, 2, 0)  # [M, T, V, C]
        seen = (joints != 0).any(axis=(0, 2, 3)).nonzero()[0]
        return Skeleton(joints=joints[:, : seen[-1] + 1] if len(seen) else joints)

    def findings(self) -> Iterator[Finding]:
        """None: what is wrong with the file is told when it is opened."""
        yield from ()


def read_array(file: Path, labels_file: Path) -> ArrayTable:
    """The sequences of an array.

    Raises:
        DataError: A file cannot be read or has another form, or they do not belong together.
    """
    names, labels = _names_and_labels(labels_file)
    count = len(_opened(file))
    if not count == len(names) == len(labels):
        raise DataError(
            f"{file} has {count} sequences, {labels_file} {len(names)} names and {len(labels)} labels: are they of one "
            "set?"
        )
    for number, label in enumerate(labels):
        if isinstance(label, bool) or not isinstance(label, int | np.integer) or label < 0:
            raise DataError(f"{labels_file}: label {number} is {label!r}; expected a class number from 0")
    return ArrayTable(file=file, names=tuple(map(str, names)), labels=tuple(map(int, labels)))


def _names_and_labels(file: Path) -> tuple[Any, Any]:
    """Names, and the labels; BABEL has further columns beside these, which say nothing of the class."""
    content = read_annotations(file)
    if not isinstance(content, tuple | list) or len(content) != 2:
        raise DataError(f"{file} is no pair of names and labels")
    names, labels = content
    columns = isinstance(labels, tuple | list) and len(labels) > 0 and isinstance(labels[0], tuple | list | np.ndarray)
    labels = labels[0] if columns else labels
    if not all(entries_of(one) for one in (names, labels)):
        raise DataError(f"{file} is no pair of names and labels, of at least one sequence")
    return names, labels


def _opened(file: Path) -> Array:
    """The array, on the disk."""
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{file} cannot be read: {error}; expected a .npy file of numbers") from error
    if not isinstance(array, np.ndarray) or array.ndim != 5 or array.dtype.kind not in "fiu":
        form = f"{array.dtype} {list(array.shape)}" if isinstance(array, np.ndarray) else "an archive"
        raise DataError(f"{file} is {form}; expected numbers [sequences, coordinates, frames, joints, persons]")
    return array
