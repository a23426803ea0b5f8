"""From a config to the data set: which file says what, and which classes count."""

from __future__ import annotations

import csv
from pathlib import Path

from attrs import evolve

from vidcore.data.clips import DataContext
from vidcore.errors import DataError
from vidcore_activitynet.class_lists import class_names
from vidcore_activitynet.config import ActivityNet, Hacs, Thumos14
from vidcore_activitynet.thumos import AMBIGUOUS, read_folder
from vidcore_localization.annotations import Annotations, read_annotations
from vidcore_localization.class_names import read_names
from vidcore_localization.config import FeatureSegments
from vidcore_localization.dataset import FeatureSegmentDataset


def activitynet(config: ActivityNet, context: DataContext) -> FeatureSegmentDataset:
    """The data set of kind `activitynet`.

    Raises:
        DataError: The annotations or features cannot be used.
    """
    file = context.root / config.annotations
    if config.video_info:
        annotations = in_subset(read_annotations(file), context.root / config.video_info, config.subset)
    else:
        annotations = read_annotations(file, config.subset)
    return FeatureSegmentDataset(config, annotations, _classes(config, context, "activitynet"), context)


def hacs(config: Hacs, context: DataContext) -> FeatureSegmentDataset:
    """The data set of kind `hacs`.

    Raises:
        DataError: The annotations or features cannot be used.
    """
    annotations = read_annotations(context.root / config.annotations, config.subset)
    return FeatureSegmentDataset(config, annotations, _classes(config, context, "activitynet"), context)


def thumos14(config: Thumos14, context: DataContext) -> FeatureSegmentDataset:
    """The data set of kind `thumos14`.

    Raises:
        DataError: The annotations, lengths or features cannot be used.
    """
    file = context.root / config.annotations
    if file.is_dir():
        annotations = read_folder(file, context.root / config.durations if config.durations else None)
    else:
        annotations = read_annotations(file, config.subset)
    if config.ambiguous == "leave-out":
        annotations = without(annotations, AMBIGUOUS)
    return FeatureSegmentDataset(config, annotations, _classes(config, context, "thumos14"), context)


def without(annotations: Annotations, label: str) -> Annotations:
    """The same videos without segments of a label."""
    videos = []
    for video in annotations.videos:
        kept = [pair for pair in zip(video.segments, video.labels, strict=True) if pair[1] != label]
        segments, labels = tuple(pair[0] for pair in kept), tuple(pair[1] for pair in kept)
        videos.append(evolve(video, segments=segments, labels=labels))
    return evolve(annotations, videos=tuple(videos))


def in_subset(annotations: Annotations, table: Path, subset: str) -> Annotations:
    """The videos of a subset, which a CSV with the columns `video` and `subset` tells.

    Raises:
        DataError: The CSV cannot be read, lacks a column or a video, or no video belongs to the subset.
    """
    subsets = _read_subsets(table)
    unknown = [video.name for video in annotations.videos if video.name not in subsets]
    if unknown:
        raise DataError(f"{table}: does not say which subset {unknown[0]} of {annotations.file} belongs to")
    videos = tuple(
        evolve(video, subset=subsets[video.name])
        for video in annotations.videos
        if not subset or subsets[video.name] == subset
    )
    if not videos:
        known = ", ".join(sorted(set(subsets.values())))
        raise DataError(f"{table}: no video belongs to subset {subset!r}; subsets: {known}")
    names = {video.name for video in videos}
    findings = tuple(finding for finding in annotations.findings if finding.where.rpartition(": ")[2] in names)
    return evolve(annotations, videos=videos, findings=findings)


def _read_subsets(table: Path) -> dict[str, str]:
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table}: cannot be read: {error}") from error
    if not rows or not {"video", "subset"} <= rows[0].keys():
        raise DataError(f"{table}: should have the columns 'video' and 'subset'")
    wrong = [number for number, row in enumerate(rows, 2) if not row["video"] or not row["subset"]]
    if wrong:
        raise DataError(f"{table}:{wrong[0]}: names no video or no subset")
    return {row["video"]: row["subset"] for row in rows}


def _classes(config: FeatureSegments, context: DataContext, name: str) -> tuple[str, ...]:
    if isinstance(config.classes, tuple):
        return config.classes
    return read_names(context.root / config.classes) if config.classes else class_names(name)
