"""The data set: features of whole videos with their segments. Letters: C channels, T moments, G segments."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import evolve
from torch import Tensor

from vidcore.data.clips import DataContext
from vidcore.errors import ConfigError, DataError
from vidcore.interfaces import Finding
from vidcore.values import Sample, SampleRef
from vidcore.wording import nearest
from vidcore_localization.annotations import AnnotatedVideo, Annotations, read_annotations
from vidcore_localization.class_names import needed_classes
from vidcore_localization.config import FeatureSegments
from vidcore_localization.features import read_features, resample

log = logging.getLogger("vidcore.localization")


class FeatureSegmentDataset:
    """Features with segments, in memory only while they are asked for.

    Args:
        config: Where the features are and how they lie.
        annotations: The videos.
        classes: Names of the classes.
        context: Where the data is.

    Raises:
        DataError: None of the videos has features, a class is unknown, or features are missing and may not be.
        ConfigError: The table has transforms, which are for frames.
    """

    def __init__(
        self, config: FeatureSegments, annotations: Annotations, classes: Sequence[str], context: DataContext
    ) -> None:
        refuse_frame_options(config, context.split)
        self.config, self._classes = config, tuple(classes)
        self._file, self._findings = annotations.file, annotations.findings
        folders = (config.features,) if isinstance(config.features, str) else config.features
        self._folders, around = tuple(context.root / folder for folder in folders), (config.prefix, config.suffix)
        self._videos, self._missing = annotations.videos, tuple[Finding, ...]()
        for folder in self._folders:
            there = evolve(annotations, videos=self._videos)
            self._videos = with_files(there, folder, around, config.missing)
            self._missing += without_files(there, self._videos, folder, around)
        self._labels = labels_of(self._videos, self._classes, annotations.file)
        tell_findings(annotations)

    @property
    def classes(self) -> Sequence[str]:
        return self._classes

    def __len__(self) -> int:
        return len(self._videos)

    def path(self, index: int) -> Path:
        """The feature file at this index; the first of several."""
        return self._paths(index)[0]

    def where(self, index: int) -> str:
        """The feature file and where its segments stand, for messages."""
        return f"{self.path(index)} ({self._file}: {self._videos[index].name})"

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        """Features `[1, C, T]` with the segments of the video; nothing is random.

        Raises:
            DataError: The features cannot be used.
        """
        video = self._videos[ref.index]
        target = segment_target(video, self._labels[ref.index])
        meta = video_meta(video, self.path(ref.index))
        return [Sample(ref=ref, inputs={"features": self._features(ref.index)[None]}, target=target, meta=meta)]

    def check(self, deep: bool = False) -> Iterator[Finding]:
        """Odd segments, videos without features; `deep` reads every file."""
        yield from self._findings
        yield from self._missing
        for index in range(len(self) if deep else 0):
            try:
                self._features(index)
            except DataError as error:
                yield Finding("error", self.where(index), str(error))

    def _paths(self, index: int) -> list[Path]:
        name = f"{self.config.prefix}{self._videos[index].name}{self.config.suffix}"
        return [folder / name for folder in self._folders]

    def _features(self, index: int) -> Tensor:
        """Those of all folders, channels after each other, `[C, T]`."""
        paths = self._paths(index)
        features = torch.cat([self._of_length(path) for path in paths])
        if self.config.channels is not None and features.shape[0] != self.config.channels:
            raise DataError(
                f"{paths[0]}: has {features.shape[0]} channels{' with the other folders' if paths[1:] else ''}, not "
                f"{self.config.channels}; mend 'channels', or 'layout' where time and channels lie the other way round"
            )
        return features

    def _of_length(self, path: Path) -> Tensor:
        config = self.config
        features = read_features(path, config.layout)
        if features.shape[1] != config.length and not config.resample:
            raise DataError(
                f"{path}: has {features.shape[1]} moments, not {config.length}; set resample = true to bring all "
                "videos to one length"
            )
        return resample(features, config.length)


def feature_segments(config: FeatureSegments, context: DataContext) -> FeatureSegmentDataset:
    """The data set of kind `feature-segments`.

    Raises:
        DataError: The annotations or features cannot be used.
    """
    annotations = read_annotations(context.root / config.annotations, config.subset)
    classes = needed_classes(config.classes, context.root, annotations.file)
    return FeatureSegmentDataset(config, annotations, classes, context)


def with_files(
    annotations: Annotations, folder: Path, around: tuple[str, str], missing: str
) -> tuple[AnnotatedVideo, ...]:
    """The videos whose files are there, called as they are with something `around`.

    Raises:
        DataError: None is, the folder cannot be listed, or one is not and `missing` is "fail".
    """
    try:
        there = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise DataError(f"{folder} cannot be listed: {error.strerror}; check data.root and 'features'") from error
    files = {video.name: f"{around[0]}{video.name}{around[1]}" for video in annotations.videos}
    found = tuple(video for video in annotations.videos if files[video.name] in there)
    lost = len(annotations.videos) - len(found)
    if not lost:
        return found
    first = next(file for file in files.values() if file not in there)
    told = (
        f"{lost:,} of {len(annotations.videos):,} videos of {annotations.file} have no features in {folder}, such as "
        f"{first}"
    )
    if not found:
        raise DataError(f"{told}; check 'features' and 'suffix'")
    if missing == "fail":
        raise DataError(f'{told}; extract them, or set missing = "skip" to leave them out')
    log.warning("%s; they are left out. `vidcore data check` names them", told)
    return found


def without_files(
    annotations: Annotations, videos: Sequence[AnnotatedVideo], folder: Path, around: tuple[str, str]
) -> tuple[Finding, ...]:
    """A finding for each annotated video that is not among `videos`, those whose files are there."""
    there = {video.name for video in videos}
    missing = {video.name: folder / f"{around[0]}{video.name}{around[1]}" for video in annotations.videos}
    return tuple(
        Finding("error", f"{annotations.file}: {name}", f"{file} is not there; it does not count")
        for name, file in missing.items()
        if name not in there
    )


def labels_of(videos: Sequence[AnnotatedVideo], classes: Sequence[str], file: Path) -> list[list[int]]:
    """Class numbers of each video's segments.

    Raises:
        DataError: A label is no class; names the first video of each such label.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    unknown: dict[str, str] = {}
    for video in videos:
        for label in video.labels:
            if label not in numbers:
                unknown.setdefault(label, video.name)
    if unknown:
        told = [f"{file}: {video}: {label!r} is no class{nearest(label, classes)}" for label, video in unknown.items()]
        raise DataError("\n".join(told[:20]))
    return [[numbers[label] for label in video.labels] for video in videos]


def segment_target(video: AnnotatedVideo, labels: Sequence[int]) -> dict[str, Any]:
    """`segments` in seconds `[G, 2]`, `spans` as fractions of what the features cover `[G, 2]`, `labels` `[G]`."""
    segments = torch.tensor(video.segments, dtype=torch.float64).reshape(-1, 2)
    spans = (segments / video.covered).clamp(0.0, 1.0).to(torch.float32)
    return {"segments": segments, "spans": spans, "labels": torch.tensor(labels, dtype=torch.int64)}


def video_meta(video: AnnotatedVideo, path: Path) -> dict[str, Any]:
    """What predictions keep of a video; times of proposals are computed from it."""
    return {
        "path": str(path),
        "video": video.name,
        "seconds": video.seconds,
        "covered_seconds": video.covered,
        "frames": video.frames,
    }


def refuse_frame_options(config: Any, split: str) -> None:
    """Options of frames have no meaning for features.

    Raises:
        ConfigError: One of them is given.
    """
    given = [name for name in ("sampling", "transforms") if getattr(config, name)]
    if given:
        raise ConfigError(f"[data.{split}.{given[0]}] is for frames of videos; features have none, take the table out")


def tell_findings(annotations: Annotations) -> None:
    """A line in the log where segments are odd."""
    if annotations.findings:
        first = annotations.findings[0]
        log.warning(
            "%s: %d odd segments, the first one: %s: %s. `vidcore data check` names them all",
            annotations.file, len(annotations.findings), first.where, first.text,
        )  # fmt: skip
