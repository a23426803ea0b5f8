"""The rows of a list as a few flat tensors.

A hundred thousand Python objects would be copied, page by page, into every forked worker as soon as their reference
counts are touched. Tensors are shared with workers instead, under every start method.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from attrs import frozen
from torch import Tensor

from vidcore.interfaces import Finding


@frozen
class Row:
    """One entry of a list, checked."""

    number: int  # in the file, from 1: line of a text file, entry of a JSON file
    path: str
    labels: tuple[int, ...] = ()
    offset: int = 0  # first frame of the part that counts
    frames: int = -1  # frames of that part; -1: to the end


@frozen(kw_only=True, eq=False)
class IndexTable:
    """Rows by index: path, labels, and which part of the video counts."""

    file: Path  # where the rows stand
    findings: tuple[Finding, ...]  # what was odd about them
    characters: Tensor  # uint8, all paths one after the other, UTF-8
    path_ends: Tensor  # int64 [rows]
    label_values: Tensor  # int64, all labels one after the other
    label_ends: Tensor  # int64 [rows]
    numbers: Tensor  # int64 [rows]: row in the file
    offsets: Tensor  # int64 [rows]: first frame
    frames: Tensor  # int64 [rows]: number of frames; -1: to the end

    @classmethod
    def of(cls, rows: Sequence[Row], file: Path, findings: Sequence[Finding] = ()) -> IndexTable:
        """The table of these rows."""
        paths = [row.path.encode("utf-8", "surrogateescape") for row in rows]
        labels = [label for row in rows for label in row.labels]
        return cls(
            file=file,
            findings=tuple(findings),
            characters=torch.frombuffer(bytearray(b"".join(paths)), dtype=torch.uint8),
            path_ends=torch.tensor([len(path) for path in paths]).cumsum(0),
            label_values=torch.tensor(labels, dtype=torch.int64),
            label_ends=torch.tensor([len(row.labels) for row in rows]).cumsum(0),
            numbers=torch.tensor([row.number for row in rows]),
            offsets=torch.tensor([row.offset for row in rows]),
            frames=torch.tensor([row.frames for row in rows]),
        )

    def __len__(self) -> int:
        return len(self.numbers)

    def path(self, index: int) -> str:
        start, end = _span(self.path_ends, index)
        return self.characters[start:end].numpy().tobytes().decode("utf-8", "surrogateescape")

    def labels(self, index: int) -> list[int]:
        start, end = _span(self.label_ends, index)
        values: list[int] = self.label_values[start:end].tolist()
        return values

    @property
    def num_labels(self) -> int:
        """One more than the highest label."""
        return int(self.label_values.max()) + 1 if len(self.label_values) else 0

    def part(self, index: int) -> tuple[int, int]:
        """First frame and number of frames that count; -1: to the end."""
        return int(self.offsets[index]), int(self.frames[index])

    def where(self, index: int) -> str:
        """`file:row`."""
        return f"{self.file}:{int(self.numbers[index])}"


def _span(ends: Tensor, index: int) -> tuple[int, int]:
    return int(ends[index - 1]) if index else 0, int(ends[index])
