"""The data set: annotation, exclusions and proposals put together, and the videos that they are about.

Letters: F key frames.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from attrs import evolve, frozen

from vidcore.data.clips import DataContext, named
from vidcore.errors import DataError, WeightsError
from vidcore.interfaces import Finding
from vidcore_ava.annotations import Key, Row, read_annotation, read_exclusions, read_key_frames, refuse
from vidcore_ava.config import Ava
from vidcore_ava.label_maps import Classes, classes_of
from vidcore_ava.proposals import Proposals, read_proposals
from vidcore_checkpoints import read_torch_file
from vidcore_detection.banks import Bank
from vidcore_detection.datasets import KeyFrameDataset
from vidcore_detection.key_frames import KeyFrame, KeyFrameTable

log = logging.getLogger("vidcore.ava")

_CUT = re.compile(r"(.+)_(\d+)_(\d+)")  # a file that was cut from a longer video: id, first and last second


@frozen
class VideoFile:
    """A video on the disk."""

    path: str  # relative to the folder
    start: float | None  # second that its name says it starts at


def ava(config: Ava, context: DataContext) -> KeyFrameDataset:
    """The data set of kind `ava`.

    Raises:
        DataError: A file is missing or wrong, none of the videos is there, or proposals are of other videos.
    """
    file, folder = context.root / config.annotations, context.root / config.folder
    classes = classes_of(config.label_map, config.only, context.root)
    annotation = read_annotation(file, _highest(config, context.root))
    _tell_bad_rows(config, annotation.findings)
    excluded = read_exclusions(context.root / config.exclude) if config.exclude else frozenset()
    rows = [row for row in annotation.rows if row.key not in excluded]
    keys = key_frames(rows, classes, evaluating=not context.training)
    if not keys:
        raise DataError(f"{file}: no key frame is left once {config.exclude or 'no list'} and 'only' have been applied")
    frames = read_key_frames(context.root / config.keyframes) if config.keyframes else {}
    keys, findings = _with_videos(config, file, folder, keys, frames)
    proposals = _proposals(config, context.root)
    keys = _with_proposals(config, keys, proposals, context)
    table = KeyFrameTable.of(keys, file, (*annotation.findings, *findings))
    bank = read_bank(config, context.root)
    if bank is not None:
        _tell_unknown(config, keys, bank)
    return KeyFrameDataset(table, classes.names, folder, context, bank)


def read_bank(config: Ava, root: Path) -> Bank | None:
    """The feature bank, where there is one. Nothing that the file names is executed.

    Raises:
        DataError: It cannot be read, or holds something else.
    """
    if not config.bank:
        return None
    path = root / config.bank
    try:
        content = read_torch_file(path)
    except WeightsError as error:
        raise DataError(f"feature bank: {error}") from error
    if not isinstance(content, Mapping) or not all(isinstance(seconds, Mapping) for seconds in content.values()):
        raise DataError(f"{path} is no feature bank; expected video -> second -> features")
    try:
        return Bank.of(content, config.bank_window, config.bank_features)
    except DataError as error:
        raise named(error, path) from error


def key_frames(rows: Iterable[Row], classes: Classes, evaluating: bool = False) -> list[KeyFrame]:
    """Key frames in the order of the rows; rows of the same box in a key frame are one box with several labels.

    Boxes without a label that counts are left out, and key frames that have such boxes only. Key frames where nobody
    is stay for evaluating: what is detected there is wrong.

    Args:
        rows: Of the annotation.
        classes: Which labels count.
        evaluating: Labels that the evaluation does not count are no truth; their boxes' key frames stay.
    """
    by_key: dict[Key, list[Row]] = {}
    for row in rows:
        by_key.setdefault(row.key, []).append(row)
    indices, found = classes.indices, []
    for (video, second), own in by_key.items():
        known = [row for row in own if row.box is None or row.label in indices]
        if not known:
            continue
        boxes: dict[Sequence[float], list[int]] = {}
        for row in known:
            if row.box is not None and (not evaluating or row.label in classes.evaluated):
                boxes.setdefault(row.box, []).append(indices[row.label])
        if not boxes and not evaluating:
            continue  # nothing to learn
        found.append(
            KeyFrame(
                number=own[0].number,
                video=video,
                name=video,
                timestamp=second,
                boxes=list(boxes),
                labels=[list(dict.fromkeys(labels)) for labels in boxes.values()],
            )
        )
    return found


def find_videos(folder: Path, suffixes: tuple[str, ...]) -> dict[str, VideoFile]:
    """Videos in a folder and those in it, by name without suffix, by path, and by the id that they were cut from."""

    def fail(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be listed: {error.strerror}; check data.root and 'folder'")

    found: dict[str, VideoFile] = {}
    for place, _, names in os.walk(folder, onerror=fail):
        for name in sorted(names):
            stem, suffix = os.path.splitext(name)
            if suffix.lower() not in suffixes:
                continue
            path = str((Path(place) / name).relative_to(folder))
            cut = _CUT.fullmatch(stem)
            video = VideoFile(path, float(cut[2]) if cut else None)
            for key in (path, stem, *([cut[1]] if cut else [])):
                found.setdefault(key, video)
    return found


def _highest(config: Ava, root: Path) -> int:
    return max(classes_of(config.label_map, (), root).numbers)


def _with_videos(
    config: Ava, file: Path, folder: Path, keys: Sequence[KeyFrame], frames: Mapping[Key, int]
) -> tuple[list[KeyFrame], list[Finding]]:
    """Key frames whose video is there, with its file and the moment in it; a finding for each other video."""
    videos = find_videos(folder, config.suffixes)
    there: list[KeyFrame] = []
    missing: dict[str, str] = {}
    for key in keys:
        video = videos.get(key.name)
        if video is None:
            missing.setdefault(key.name, f"{file}:{key.number}")
            continue
        start = video.start if config.start_in_name and video.start is not None else config.start_seconds
        frame = frames.get((key.name, key.timestamp), -1)
        there.append(evolve(key, video=video.path, moment=key.timestamp - start, frame=frame))
    findings = [
        Finding("error", where, f"no file of video {name} below {folder}; fetch it, or leave it out: it does not count")
        for name, where in missing.items()
    ]
    _tell_missing(config, file, folder, len({key.name for key in keys}), findings)
    return there, findings


def _tell_missing(config: Ava, file: Path, folder: Path, total: int, missing: Sequence[Finding]) -> None:
    if not missing:
        return
    told = f"{len(missing):,} of {total:,} videos of {file} are not in {folder} ({len(missing) / total:.1%})"
    first = f"the first one: {missing[0].where}: {missing[0].text}"
    if len(missing) == total:
        raise DataError(f"{told}; check data.root and 'folder'; {first}")
    if config.missing == "fail":
        raise DataError(f'{told}; fetch them, or set missing = "skip" to leave them out; {first}')
    log.warning("%s; they are left out. `vidcore data check` names them", told)


def _tell_bad_rows(config: Ava, findings: Sequence[Finding]) -> None:
    cut = [finding for finding in findings if finding.level == "warning"]
    if cut:
        log.warning("%d boxes reach beyond the frame and are cut off, the first: %s", len(cut), cut[0].where)
    wrong = [finding for finding in findings if finding.level == "error"]
    problems, rows = [f"{one.where}: {one.text}" for one in wrong], len({one.where for one in wrong})
    if problems and config.bad_rows == "fail":
        refuse([*problems[:20], f'{rows} bad rows; mend them, or set bad_rows = "skip" to leave them out'])
    if problems:
        log.warning("%d bad rows are left out, the first: %s. `vidcore data check` names them", rows, problems[0])


def _with_proposals(
    config: Ava, keys: Sequence[KeyFrame], proposals: Mapping[Key, Proposals] | None, context: DataContext
) -> list[KeyFrame]:
    """Key frames with the boxes to look at. Without a file these are the annotated ones in testing.

    Where a file has none for a key frame, the whole frame is looked at in testing, and the annotated boxes in training.
    """
    if proposals is None:
        return [key if context.training else evolve(key, proposals=key.boxes) for key in keys]
    found = [proposals.get((key.name, key.timestamp)) for key in keys]
    without = [key for key, own in zip(keys, found, strict=True) if own is None]
    if len(without) == len(keys):
        other = next(iter(proposals), ("nothing", 0.0))
        raise DataError(
            f"{config.proposals} has boxes for none of the {len(keys)} key frames of {config.annotations}: it is about "
            f"other videos, such as {other[0]!r} at second {other[1]:g}, not {keys[0].name!r} at {keys[0].timestamp:g}"
        )
    if without:
        instead = "the annotated boxes are" if context.training else "the whole frame is"
        log.warning(
            "%s has no box for %d of %d key frames, such as %s at second %g; %s looked at there",
            config.proposals, len(without), len(keys), without[0].name, without[0].timestamp, instead,
        )  # fmt: skip
    return list(_joined(config, keys, found, context.training))


def _tell_unknown(config: Ava, keys: Sequence[KeyFrame], bank: Bank) -> None:
    """A bank of other videos would be all zeros, and nobody would see it."""
    without = [key for key in keys if not bank.knows(key.name, key.timestamp)]
    if not without:
        return
    first = f"such as {without[0].name!r} at second {without[0].timestamp:g}"
    if len(without) == len(keys):
        raise DataError(
            f"{config.bank} has features around none of the {len(keys)} key frames of {config.annotations}, {first}: "
            f"it is about other videos, such as {next(iter(bank.spans))!r}, or about other seconds"
        )
    log.warning(
        "%s has no features around %d of %d key frames, %s; zeros are seen there",
        config.bank, len(without), len(keys), first,
    )  # fmt: skip


def _joined(
    config: Ava, keys: Sequence[KeyFrame], found: Sequence[Proposals | None], training: bool
) -> Iterator[KeyFrame]:
    whole: list[list[float]] = [] if training else [[0.0, 0.0, 1.0, 1.0]]
    for key, own in zip(keys, found, strict=True):
        boxes = own.best(config.min_person_score, config.max_proposals).boxes.tolist() if own is not None else []
        yield evolve(key, proposals=boxes or whole)


def _proposals(config: Ava, root: Path) -> dict[Key, Proposals] | None:
    if not config.proposals:
        return None
    return read_proposals(root / config.proposals, skip=config.bad_rows == "skip")
