"""Who is who from frame to frame: a box belongs to the person whose last box it covers most.

Letters: R people in a frame, M people in a video, T frames, V key points.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import define, field, frozen

from vidcore.errors import DataError
from vidcore_poses.detection import box_overlap
from vidcore_poses.onnx_files import Array


@frozen(kw_only=True)
class Tracking:
    """How people are followed."""

    overlap: float = 0.3  # IoU that two boxes of one person have at least
    patience: int = 10  # frames that somebody may be out of sight
    persons: int = 2  # kept of a video: those seen longest and most surely


@define
class _Person:
    seen: int  # frame of the last box
    box: Array  # [5]
    frames: dict[int, tuple[Array, Array]] = field(factory=dict)  # frame -> box [5], points [V, 3]

    @property
    def weight(self) -> float:
        return float(sum(box[4] for box, _ in self.frames.values()))


class Tracker:
    """Takes up the people of one frame after the other."""

    def __init__(self, options: Tracking) -> None:
        self._options = options
        self._people: list[_Person] = []
        self._num_frames = 0

    def add(self, boxes: Array, points: Array) -> None:
        """The people of the next frame: boxes `[R, 5]`, key points `[R, V, 3]`."""
        frame = self._num_frames
        self._num_frames += 1
        there = [one for one in self._people if frame - one.seen <= self._options.patience + 1]
        owners = self._owners(boxes, there)
        for index, (box, found) in enumerate(zip(boxes, points, strict=True)):
            person = owners.get(index)
            if person is None:
                person = _Person(frame, box)
                self._people.append(person)
            person.seen, person.box = frame, box
            person.frames[frame] = (box, found)

    def result(self, num_points: int) -> dict[str, Any]:
        """`keypoint [M, T, V, 2]`, `keypoint_score [M, T, V]` and `boxes [M, T, 5]`; zeros where somebody is not seen.

        Raises:
            DataError: No frame was added.
        """
        if not self._num_frames:
            raise DataError("the video has no frame")
        people = sorted(self._people, key=lambda one: -one.weight)[: self._options.persons]
        points = np.zeros((len(people), self._num_frames, num_points, 3), np.float32)
        boxes = np.zeros((len(people), self._num_frames, 5), np.float32)
        for index, person in enumerate(people):
            for frame, (box, found) in person.frames.items():
                boxes[index, frame], points[index, frame] = box, found
        return {"keypoint": points[..., :2], "keypoint_score": points[..., 2], "boxes": boxes}

    @property
    def people(self) -> int:
        """How many different people there were."""
        return len(self._people)

    def _owners(self, boxes: Array, there: list[_Person]) -> dict[int, _Person]:
        """Whose box is whose, the most overlapping pairs first."""
        owners: dict[int, _Person] = {}
        if not there or not len(boxes):
            return owners
        overlaps = box_overlap(boxes, np.stack([one.box for one in there]))
        while overlaps.max() >= self._options.overlap:
            index, whose = np.unravel_index(overlaps.argmax(), overlaps.shape)
            owners[int(index)] = there[int(whose)]
            overlaps[index], overlaps[:, whose] = -1, -1
        return owners
