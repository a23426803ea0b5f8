"""The data set: videos as vidcore-videos reads them, with labels that are nan where nobody looked.

Letters: K classes of all kinds together, G kinds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from attrs import evolve

from vidcore.data.clips import DataContext
from vidcore.interfaces import Finding
from vidcore.values import Sample, SampleRef
from vidcore_hvu.annotations import class_names, read_kinds, read_rows
from vidcore_hvu.config import Hvu
from vidcore_videos.datasets import VideoDataset
from vidcore_videos.index_table import IndexTable, Row


class HvuDataset:
    """Targets are `{"labels": float32 [K]}`: 1, 0, or nan where the kind is unknown.

    Raises:
        DataError: With every problem of a file, or when none of the videos is there.
    """

    def __init__(self, config: Hvu, context: DataContext) -> None:
        kinds = read_kinds(context.root / config.classes)
        file = context.root / config.list
        rows = read_rows(file, kinds)
        findings = [
            Finding("warning", f"{file}:{row.number}", f"kind {kind!r} is not in {config.classes} and does not count")
            for row in rows
            for kind in row.strange
        ]
        table = IndexTable.of([Row(row.number, row.path, row.labels) for row in rows], file, findings)
        folder = context.root / config.folder
        self._videos = VideoDataset(table, class_names(kinds), folder, context, multi_label=True)
        self._sizes = torch.tensor([len(names) for names in kinds.values()])  # [G]
        self._known = torch.tensor([row.known for row in rows])  # [rows, G]

    @property
    def classes(self) -> Sequence[str]:
        return self._videos.classes

    @property
    def transforms(self) -> dict[str, object]:
        """The transforms by name; the photometric ones among them are applied on the device."""
        return self._videos.transforms

    def __len__(self) -> int:
        return len(self._videos)

    def path(self, index: int) -> Path:
        """The video at this index."""
        return self._videos.path(index)

    def where(self, index: int) -> str:
        """The video and where it is listed, for messages."""
        return self._videos.where(index)

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        """See `VideoDataset.sample`."""
        unknown = ~self._known[ref.index].repeat_interleave(self._sizes)  # [K]
        samples = self._videos.sample(ref, rng)
        return [
            evolve(sample, target={"labels": sample.target["labels"].masked_fill(unknown, torch.nan)})
            for sample in samples
        ]

    def check(self, deep: bool = False) -> Iterator[Finding]:
        """See `VideoDataset.check`."""
        yield from self._videos.check(deep)
