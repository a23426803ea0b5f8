"""Frame mAP and video mAP. Numpy only. Letters: D detections, K classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from attrs import evolve, frozen

from vidcore_detection.average_precision import area_under
from vidcore_tubes.average_precision import grouped, hits, mean_known
from vidcore_tubes.linking import link
from vidcore_tubes.metric_config import TubeMap
from vidcore_tubes.tubes import Numbers, Tube, paired_iou, tube_iou

RANGES = {  # means over thresholds
    "0.05:0.45": np.arange(0.05, 0.5, 0.05),
    "0.10:0.90": np.arange(0.1, 0.95, 0.1),
    "0.50:0.95": np.arange(0.5, 1.0, 0.05),
}


@frozen(kw_only=True, eq=False)
class Detections:
    """Boxes of all videos, each with one class."""

    videos: Sequence[str]  # [D]
    frames: Numbers  # int [D]
    labels: Numbers  # int [D]
    scores: Numbers  # [D]
    boxes: Numbers  # pixels [D, 4]

    def of(self, chosen: Numbers) -> Detections:
        """Those of these numbers."""
        return Detections(
            videos=[self.videos[i] for i in chosen.tolist()],
            frames=self.frames[chosen],
            labels=self.labels[chosen],
            scores=self.scores[chosen],
            boxes=self.boxes[chosen],
        )


def frame_precision(truth: Iterable[Tube], found: Detections, iou: float) -> float:
    """Average precision of the boxes of one class; nan where nothing is annotated."""
    boxes: dict[tuple[str, int], list[Numbers]] = {}
    for tube in truth:
        for frame, box in zip(tube.frames.tolist(), tube.boxes, strict=True):
            boxes.setdefault((tube.video, frame), []).append(box)
    places = list(zip(found.videos, found.frames.tolist(), strict=True))

    def overlaps(number: int) -> Numbers:
        return paired_iou(np.array(boxes.get(places[number], [])).reshape(-1, 4), found.boxes[number])

    return _area(hits(found.scores.tolist(), places, overlaps, iou), sum(map(len, boxes.values())))


def video_precision(truth: Sequence[Tube], found: Sequence[Tube], overlaps: Sequence[Numbers], iou: float) -> float:
    """Average precision of the tubes of one class; nan where nothing is annotated.

    Args:
        truth: Annotated tubes.
        found: Linked ones.
        overlaps: Of each found tube with the annotated ones of its video.
        iou: At least this much.
    """
    right = hits([tube.score for tube in found], [tube.video for tube in found], overlaps.__getitem__, iou)
    return _area(right, len(truth))


def linked(found: Detections, frames: Mapping[str, Sequence[int]], config: TubeMap) -> list[Tube]:
    """Tubes of one class.

    Args:
        found: Its boxes.
        frames: Those of each video that were looked at, ascending.
        config: How boxes are linked.
    """
    rows = np.concatenate([found.boxes, found.scores[:, None]], axis=1)
    tubes: list[Tube] = []
    for video, numbers in grouped(found.videos).items():
        by_frame = grouped([int(found.frames[i]) for i in numbers])
        own = {frame: rows[[numbers[place] for place in places]] for frame, places in by_frame.items()}
        tubes += link(video, own, frames[video], config.linking)
    return tubes


def evaluate(
    truth: Mapping[int, Sequence[Tube]],
    found: Detections,
    frames: Mapping[str, Sequence[int]],
    classes: Sequence[str],
    config: TubeMap,
) -> dict[str, float]:
    """`frame_map`, `video_map@IOU` and its means over thresholds; fractions.

    Args:
        truth: Annotated tubes by class; frames as in `found`.
        found: Detected boxes.
        frames: Frames of each video that were looked at, ascending.
        classes: K names.
        config: Options.
    """
    values: dict[str, list[float]] = {}
    last = found.scores[-1:] if config.tube_scores == "last" else None
    for label, name in enumerate(classes):
        if name in config.leave_out:
            continue
        tubes, own = truth.get(label, ()), found.of(np.flatnonzero(found.labels == label))
        values.setdefault("frame_map", []).append(frame_precision(tubes, own, config.frame_iou))
        own = own if last is None else evolve(own, scores=np.full(len(own.scores), last))
        for figure, value in _video_figures(tubes, linked(own, frames, config), config).items():
            values.setdefault(figure, []).append(value)
    return {figure: mean_known(own) for figure, own in values.items()}


def _video_figures(truth: Sequence[Tube], found: Sequence[Tube], config: TubeMap) -> dict[str, float]:
    by_video = grouped([tube.video for tube in truth])
    overlaps = [
        np.array([tube_iou(tube, truth[i]) for i in by_video.get(tube.video, [])], np.float64) for tube in found
    ]
    figures = {f"video_map@{iou:g}": video_precision(truth, found, overlaps, iou) for iou in config.video_ious}
    for name, ious in RANGES.items():
        figures[f"video_map@{name}"] = float(
            np.mean([video_precision(truth, found, overlaps, iou) for iou in ious.tolist()])
        )
    return figures


def _area(right: Any, num_truths: int) -> float:
    """`right` is in the order of scores already."""
    return area_under(-np.arange(len(right)), right, num_truths) if num_truths else float("nan")
