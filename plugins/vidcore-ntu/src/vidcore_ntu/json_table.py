"""Skeletons of Kinetics-400 as the authors of ST-GCN published them: a JSON file for each video, by OpenPose.

The labels' file tells of each video `has_skeleton`, `label` and `label_index`. The file of a video has `data`: for each
frame its number from 1 (`frame_index`) and its people (`skeleton`), each with `pose` (x, y, x, y, ... as shares of the
picture) and `score`. Source: Yan, Xiong and Lin, AAAI 2018, section 4.1; videos were scaled to 340x256 before.
Letters: N people of all frames, V = 18 joints.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen

from vidcore.errors import DataError
from vidcore.interfaces import Finding
from vidcore_ntu.config import KineticsSkeleton
from vidcore_ntu.packed import Array, joint_weights, unpacked
from vidcore_ntu.sequences import LabelledSequences
from vidcore_skeleton.skeletons import Skeleton

JOINTS = 18
PICTURE = (256, 340)  # height, width
_MOST_FRAMES = 100_000  # of a video; a larger number is a mistake, not ten seconds


@frozen(eq=False, kw_only=True)
class JsonTable(LabelledSequences):
    """Videos by index."""

    file: Path  # of the labels
    folder: Path
    config: KineticsSkeleton
    without: int  # videos that have no skeleton, by the file of labels

    def where(self, index: int) -> str:
        """The file of a video."""
        return str(self.folder / f"{self.names[index]}.json")

    def read(self, index: int) -> Skeleton:
        """The people of a video.

        Raises:
            DataError: Its file cannot be used.
        """
        path = self.folder / f"{self.names[index]}.json"
        content = _read(path)
        frames = content.get("data") if isinstance(content, dict) else None
        if not isinstance(frames, list):
            raise DataError(f"{path} has no list 'data' of frames")
        rows, places, num_frames = _people(path, frames)
        rows[..., :2] *= PICTURE[::-1]
        joints, scores = unpacked(
            rows, places, num_frames, persons=self.config.persons, squeeze=self.config.squeeze,
            weights=joint_weights(JOINTS, "equal"),
        )  # fmt: skip
        return Skeleton(joints=joints, scores=scores, image_size=PICTURE)

    def findings(self) -> Iterator[Finding]:
        """Videos that do not count, and files that are not there."""
        if self.without:
            yield Finding("warning", str(self.file), f"{self.without} videos have no skeleton and do not count")
        for index, name in enumerate(self.names):
            if not (self.folder / f"{name}.json").exists():
                yield Finding("error", f"{self.file}: {name!r}", f"{self.where(index)} is not there")


def read_json(file: Path, folder: Path, config: KineticsSkeleton) -> JsonTable:
    """The videos of a file of labels that have a skeleton.

    Raises:
        DataError: The file cannot be read, or has another form; no video is left.
    """
    content = _read(file)
    if not isinstance(content, dict):
        raise DataError(f"{file} is no table of videos: {{NAME: {{has_skeleton, label, label_index}}}}")
    names, labels = [], []
    for name, entry in content.items():
        label = entry.get("label_index") if isinstance(entry, dict) else None
        if isinstance(label, bool) or not isinstance(label, int) or label < 0:
            raise DataError(f"{file}: {name!r}: label_index is {label!r}; expected a class number from 0")
        if entry.get("has_skeleton", True):
            names.append(name)
            labels.append(label)
    if not names:
        raise DataError(f"{file}: none of {len(content)} videos has a skeleton")
    return JsonTable(
        file=file, folder=folder, names=tuple(names), labels=tuple(labels), config=config,
        without=len(content) - len(names),
    )  # fmt: skip


def _people(path: Path, frames: list[Any]) -> tuple[Array, Array, int]:
    """x, y and score of everybody `[N, V, 3]`, the frame of each from 0 `[N]`, and the number of frames."""
    rows, places, last = [], [], 0
    for number, frame in enumerate(frames):
        index = frame.get("frame_index") if isinstance(frame, dict) else None
        people = frame.get("skeleton") if isinstance(frame, dict) else None
        if isinstance(index, bool) or not isinstance(index, int) or not 1 <= index <= _MOST_FRAMES:
            raise DataError(f"{path}: entry {number} of 'data' has frame_index {index!r}; expected a number from 1")
        if not isinstance(people, list):
            raise DataError(f"{path}: frame {index} has no list 'skeleton'")
        last = max(last, index)
        rows += [_person(path, index, person) for person in people]
        places += [index - 1] * len(people)
    points = np.stack(rows) if rows else np.zeros((0, JOINTS, 3), np.float32)
    return points, np.array(places, np.int64), last


def _person(path: Path, frame: int, person: Any) -> Array:
    pose, score = (person.get(name) if isinstance(person, dict) else None for name in ("pose", "score"))
    try:
        points, scores = np.array(pose, np.float32), np.array(score, np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: frame {frame} has a person whose 'pose' or 'score' is no list of numbers") from error
    if points.shape != (2 * JOINTS,) or scores.shape != (JOINTS,):
        raise DataError(
            f"{path}: frame {frame} has a person of {points.size} numbers in 'pose' and {scores.size} in 'score'; "
            f"expected {2 * JOINTS} and {JOINTS}"
        )
    if not (np.isfinite(points).all() and np.isfinite(scores).all()):
        raise DataError(
            f"{path}: frame {frame} has a person whose joints are not finite; write 0 for what was not seen"
        )
    return np.concatenate([points.reshape(JOINTS, 2), scores[:, None]], axis=1)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise DataError(f"{path} is no JSON: {error}") from error
