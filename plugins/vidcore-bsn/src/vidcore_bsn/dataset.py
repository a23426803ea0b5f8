"""The data set of proposal evaluation: candidates of each video and the numbers that describe them.

Letters: P candidates, G true segments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from vidcore.data.clips import DataContext
from vidcore.errors import DataError
from vidcore.interfaces import Finding
from vidcore.values import Sample, SampleRef
from vidcore_bsn.candidates import read_candidates
from vidcore_bsn.config import CandidateFeatures
from vidcore_localization.annotations import Annotations, read_annotations
from vidcore_localization.class_names import needed_classes
from vidcore_localization.dataset import (
    labels_of,
    refuse_frame_options,
    segment_target,
    tell_findings,
    video_meta,
    with_files,
    without_files,
)
from vidcore_localization.segments import Array


class CandidateDataset:
    """Candidates with their features, read when they are asked for.

    Args:
        config: Where they are.
        annotations: The videos.
        classes: Names.
        context: Where the data is.

    Raises:
        DataError: None of the videos has candidates, or one has not and must have.
        ConfigError: The table has options of frames.
    """

    def __init__(
        self, config: CandidateFeatures, annotations: Annotations, classes: Sequence[str], context: DataContext
    ) -> None:
        refuse_frame_options(config, context.split)
        self.config, self._classes = config, tuple(classes)
        self._folders = context.root / config.proposals, context.root / config.features
        self._videos = with_files(annotations, self._folders[0], ("", ".csv"), config.missing)
        self._labels = labels_of(self._videos, self._classes, annotations.file)
        missing = without_files(annotations, self._videos, self._folders[0], ("", ".csv"))
        self._findings = (*annotations.findings, *missing)
        tell_findings(annotations)

    @property
    def classes(self) -> Sequence[str]:
        return self._classes

    def __len__(self) -> int:
        return len(self._videos)

    def path(self, index: int) -> Path:
        """The table of candidates at this index."""
        return self._folders[0] / f"{self._videos[index].name}.csv"

    def where(self, index: int) -> str:
        """What messages call a sample."""
        return str(self.path(index))

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        """Descriptions `[P, channels]`, with candidates, boundary scores and IoU in the target.

        Raises:
            DataError: Files cannot be used, or do not fit together.
        """
        video = self._videos[ref.index]
        table, features = self._read(ref.index)
        numbers = torch.from_numpy(table.astype(np.float32))
        target = segment_target(video, self._labels[ref.index]) | {
            "candidates": numbers[:, :2],
            "boundary_scores": numbers[:, 2] * numbers[:, 3],
            "iou": numbers[:, 5],
        }
        inputs = {"candidates": torch.from_numpy(features.astype(np.float32))}
        return [Sample(ref=ref, inputs=inputs, target=target, meta=video_meta(video, self.path(ref.index)))]

    def check(self, deep: bool = False) -> Iterator[Finding]:
        """Odd segments, videos without candidates; `deep` reads every file."""
        yield from self._findings
        for index in range(len(self) if deep else 0):
            try:
                self._read(index)
            except DataError as error:
                yield Finding("error", self.where(index), str(error))

    def _read(self, index: int) -> tuple[Array, Array]:
        table, path = read_candidates(self.path(index)), self._folders[1] / f"{self._videos[index].name}.npy"
        if not len(table):
            raise DataError(f"{self.path(index)}: has no candidate")
        try:
            features: Array = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: cannot be read: {error}; `vidcore data proposals` writes both files") from error
        if features.ndim != 2 or features.shape[1] != self.config.channels:
            raise DataError(f"{path}: has shape {list(features.shape)}, expected [P, {self.config.channels}]")
        if not np.isfinite(features).all():
            raise DataError(f"{path}: has numbers that are not finite; run `vidcore data proposals` again")
        count = min(self.config.top_k, len(table))
        if not count <= len(features) <= len(table):
            raise DataError(f"{path}: describes {len(features)} candidates, {self.path(index)} has {len(table)}")
        return table[:count], features[:count]


def candidate_features(config: CandidateFeatures, context: DataContext) -> CandidateDataset:
    """The data set of kind `candidate-features`.

    Raises:
        DataError: The annotations or candidates cannot be used.
    """
    annotations = read_annotations(context.root / config.annotations, config.subset)
    classes = needed_classes(config.classes, context.root, annotations.file)
    return CandidateDataset(config, annotations, classes, context)
