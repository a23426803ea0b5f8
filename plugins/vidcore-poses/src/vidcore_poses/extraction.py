"""From a video to the key points of the people in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen

from vidcore.data.clips import named
from vidcore.data.video.pyav import PyAV
from vidcore.errors import DataError
from vidcore_poses.detection import PersonDetector
from vidcore_poses.top_down import PoseEstimator
from vidcore_poses.tracking import Tracker, Tracking
from vidcore_skeleton.files import write_skeleton
from vidcore_skeleton.skeletons import Skeleton

_FRAMES_AT_ONCE = 16  # whole frames, which are large


@frozen(kw_only=True, eq=False)
class Found:
    """What was found in a video."""

    skeleton: Skeleton  # of those who are kept
    boxes: np.ndarray[Any, np.dtype[np.float32]]  # [M, T, 5], x1 y1 x2 y2 score
    fps: float  # of the frames that were looked at
    people: int  # different ones, also those who are not kept


class PoseExtractor:
    """Detector, pose model and tracking as one.

    Args:
        detector: Finds boxes.
        estimator: Finds key points in them.
        tracking: How people are followed.
        every: Only each n-th frame is looked at.
    """

    def __init__(self, detector: PersonDetector, estimator: PoseEstimator, tracking: Tracking, every: int = 1) -> None:
        self._detector, self._estimator, self._tracking, self._every = detector, estimator, tracking, every
        self._decoder = PyAV()

    def video(self, path: Path, progress: Callable[[int, int], None] | None = None) -> Found:
        """The people in a video. `progress` is told the frames that are done and their number.

        Raises:
            DataError: The video cannot be read.
        """
        tracker, num_points = Tracker(self._tracking), 0
        try:
            with self._decoder.open(path) as reader:
                info = reader.info
                indices = range(0, info.num_frames, self._every)
                for start in range(0, len(indices), _FRAMES_AT_ONCE):
                    part = indices[start : start + _FRAMES_AT_ONCE]
                    for frame in reader.frames(part):
                        boxes = self._detector.find(frame)
                        points = self._estimator.find(frame, boxes) if len(boxes) else np.zeros((0, 0, 3), np.float32)
                        num_points = max(num_points, points.shape[1])
                        tracker.add(boxes, points)
                    if progress is not None:
                        progress(start + len(part), len(indices))
        except DataError as error:
            raise named(error, str(path)) from error
        result = tracker.result(num_points)
        skeleton = Skeleton(
            joints=result["keypoint"], scores=result["keypoint_score"], image_size=(info.height, info.width)
        )
        fps = info.fps / self._every
        return Found(skeleton=skeleton, boxes=result["boxes"], fps=fps, people=tracker.people)


def write_found(path: Path, found: Found) -> None:
    """Write a file that vidcore-skeleton reads, with the boxes and the rate of frames beside the key points."""
    write_skeleton(path, found.skeleton, {"boxes": found.boxes, "fps": np.array(found.fps)})
