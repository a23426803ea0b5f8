"""The data set: key frames of annotated videos, with who is in each box."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from attrs import evolve

from vidcore.data.clips import DataContext
from vidcore.errors import DataError
from vidcore.interfaces import Finding
from vidcore_ava.proposals import Proposals, read_proposals
from vidcore_detection.datasets import KeyFrameDataset
from vidcore_detection.key_frames import KeyFrame, KeyFrameTable
from vidcore_tubes.annotations import TubeAnnotation, Video, read_tubes
from vidcore_tubes.config import Tubes
from vidcore_videos.class_lists import classes_of

log = logging.getLogger("vidcore.tubes")
_SHOWN = 20  # problems in a message


def tubes(config: Tubes, context: DataContext) -> KeyFrameDataset:
    """The data set of kind `tubes`.

    Raises:
        DataError: A file is missing or wrong, no video is there, or proposals are of other videos.
    """
    file, folder = context.root / config.annotations, context.root / config.folder
    annotation = read_tubes(file, config.use, config.split)
    _tell_wrong_tubes(config, annotation)
    classes = classes_of(config.classes, context.root) or annotation.labels
    if len(classes) != len(annotation.labels):
        raise DataError(f"{file} has {len(annotation.labels)} labels, but 'classes' names {len(classes)}")
    videos, missing = with_files(config, annotation, folder)
    rows = [row for video, path in videos for row in key_frames(video, path, config)]
    if not rows:
        raise DataError(f"{file}: nobody is annotated in the {len(videos)} videos of {config.use} that are there")
    proposals = _proposals(config, context.root)
    rows = list(_with_proposals(config, rows, proposals, context.training))
    return KeyFrameDataset(KeyFrameTable.of(rows, file, (*annotation.findings, *missing)), classes, folder, context)


def key_frames(video: Video, path: str, config: Tubes) -> Iterator[KeyFrame]:
    """Key frames of a video in order; a person with several tubes in it is several persons."""
    by_frame: dict[int, list[tuple[int, int, list[float]]]] = {}
    height, width = video.size
    for person, (label, tube) in enumerate(video.tubes):
        shares = tube.boxes / [width, height, width, height]
        for frame, box in zip(tube.frames.tolist(), shares.tolist(), strict=True):
            by_frame.setdefault(frame, []).append((person, label, box))
    frames = sorted(by_frame) if config.frames == "annotated" else range(video.num_frames)
    for frame in list(frames)[:: config.every]:
        found = by_frame.get(frame, [])
        yield KeyFrame(
            number=frame + 1,
            video=path,
            name=video.name,
            timestamp=frame + 1,
            frame=frame,
            boxes=[box for _, _, box in found],
            labels=[[label] for _, label, _ in found],
            persons=[person for person, _, _ in found],
        )


def with_files(
    config: Tubes, annotation: TubeAnnotation, folder: Path
) -> tuple[list[tuple[Video, str]], list[Finding]]:
    """Videos that are there, with their files below the folder; a finding for each other one.

    Raises:
        DataError: None is there, or one is missing and that is an error.
    """
    there, missing = [], []
    for video in annotation.videos:
        candidates = (video.name, *(video.name + suffix for suffix in config.suffixes))
        path = next((one for one in candidates if (folder / one).is_file()), None)
        if path is None:
            text = f"no file {folder / video.name} with one of {', '.join(config.suffixes)}; fetch it"
            missing.append(Finding("error", f"{annotation.file}: {video.name!r}", text))
        else:
            there.append((video, path))
    if missing:
        total = len(annotation.videos)
        told = f"{len(missing):,} of {total:,} videos of {annotation.file} are not in {folder}"
        if not there:
            raise DataError(f"{told}; check data.root and 'folder'; the first one: {missing[0].text}")
        if config.missing == "fail":
            raise DataError(f'{told}; fetch them, or set missing = "skip"; the first one: {missing[0].text}')
        log.warning("%s; they are left out. `vidcore data check` names them", told)
    return there, missing


def _tell_wrong_tubes(config: Tubes, annotation: TubeAnnotation) -> None:
    problems = [f"{one.where}: {one.text}" for one in annotation.findings if one.level == "error"]
    if problems and config.bad_rows == "fail":
        told = [
            *problems[:_SHOWN],
            f'{len(problems)} wrong tubes; mend them, or set bad_rows = "skip" to leave them out',
        ]
        raise DataError("\n".join(told))
    if problems:
        log.warning("%d wrong tubes are left out, the first: %s", len(problems), problems[0])


def _with_proposals(
    config: Tubes, rows: Sequence[KeyFrame], proposals: Mapping[tuple[str, float], Proposals] | None, training: bool
) -> Iterator[KeyFrame]:
    """Key frames with the boxes to look at: those of the file, else in testing the annotated ones."""
    if proposals is None:
        yield from (row if training else evolve(row, proposals=row.boxes) for row in rows)
        return
    found = [proposals.get((row.name, row.timestamp)) or proposals.get((row.video, row.timestamp)) for row in rows]
    without = sum(one is None for one in found)
    if without == len(rows):
        video, frame = next(iter(proposals), ("nothing", 0.0))
        raise DataError(
            f"{config.proposals} has boxes for none of the {len(rows)} key frames of {config.annotations}: it is about "
            f"other videos, such as {video!r}, frame {frame:g}, not {rows[0].name!r}, frame {rows[0].timestamp:g}"
        )
    if without:
        log.warning("%s has no box for %d of %d key frames; nobody is seen there", config.proposals, without, len(rows))
    for row, own in zip(rows, found, strict=True):
        yield row if own is None else evolve(row, proposals=_surest(own, config))


def _surest(own: Proposals, config: Tubes) -> list[list[float]]:
    order = np.argsort(-own.scores, kind="stable")
    own = Proposals(own.boxes[order], own.scores[order]).best(config.min_person_score, config.max_proposals)
    boxes: list[list[float]] = own.boxes.tolist()
    return boxes


def _proposals(config: Tubes, root: Path) -> dict[tuple[str, float], Proposals] | None:
    if not config.proposals:
        return None
    return read_proposals(root / config.proposals, skip=config.bad_rows == "skip")
