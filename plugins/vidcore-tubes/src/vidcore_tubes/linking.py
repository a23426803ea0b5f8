"""From boxes of single frames to tubes, frame after frame. Letters: N boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import Factory, define

from vidcore_tubes.linking_config import Linking
from vidcore_tubes.tubes import Numbers, Tube, paired_iou


@define(eq=False)
class _Open:
    """A tube that may still grow."""

    frames: list[int] = Factory(list)
    boxes: list[Numbers] = Factory(list)
    scores: list[float] = Factory(list)

    @property
    def score(self) -> float:
        return float(np.mean(self.scores))

    def take(self, frame: int, row: Numbers) -> None:
        self.frames.append(frame)
        self.boxes.append(row[:4])
        self.scores.append(float(row[4]))


def suppress(rows: Numbers, overlap: float, keep: int) -> Numbers:
    """The best boxes; what overlaps a better one loses score.

    A box that overlaps a better one by more than `overlap` has its score times (1 - IoU) from then on, and takes its
    turn by that; a second better one changes nothing any more. Sizes count the last pixel too.

    Args:
        rows: x1, y1, x2, y2, score, `[N, 5]`.
        overlap: IoU.
        keep: Boxes at most.

    Returns:
        Rows from the highest score down.
    """
    scores = rows[:, 4].astype(np.float64)
    taken, lowered = np.zeros((2, len(rows)), bool)
    boxes = rows[:, :4] + np.array([0, 0, 1, 1], rows.dtype)
    kept: list[Numbers] = []
    while len(kept) < keep and not taken.all():
        best = len(rows) - 1 - int(np.where(taken, -np.inf, scores)[::-1].argmax())  # of equal ones the last
        taken[best] = True
        kept.append(np.append(rows[best, :4], scores[best]))
        overlaps = paired_iou(boxes, boxes[best])
        near = ~taken & ~lowered & (overlaps > overlap)
        scores[near] *= 1 - overlaps[near]
        lowered |= near
    return np.array(kept).reshape(-1, 5)


def link(video: str, detections: Mapping[int, Numbers], frames: Sequence[int], config: Linking) -> list[Tube]:
    """Tubes of one class in one video.

    In each frame the tubes, those of the highest mean score first, take the best box that overlaps their last one
    enough; boxes that no tube takes start one.

    Args:
        video: Its name.
        detections: Frame -> x1, y1, x2, y2, score, `[N, 5]`.
        frames: All frames that were looked at, ascending; the smallest step between them is what `patience` counts.
        config: Thresholds.
    """
    growing: list[_Open] = []
    done: list[_Open] = []
    patience = config.patience * (int(np.diff(frames).min()) if len(frames) > 1 else 1)
    for frame in frames:
        done += [tube for tube in growing if frame - tube.frames[-1] > patience]
        growing = [tube for tube in growing if frame - tube.frames[-1] <= patience]
        rows = suppress(detections.get(frame, np.zeros((0, 5))), config.suppress_iou, config.boxes)
        growing.sort(key=lambda tube: -tube.score)
        waiting = []
        for tube in growing:
            fitting = np.flatnonzero(paired_iou(rows[:, :4], tube.boxes[-1]) >= config.link_iou)
            if len(fitting):
                best = fitting[rows[fitting, 4].argmax()]
                tube.take(frame, rows[best])
                rows = np.delete(rows, best, axis=0)
                waiting.append(tube)
            else:
                (done if frame - tube.frames[-1] >= patience else waiting).append(tube)
        growing = waiting
        for row in rows:
            tube = _Open()
            tube.take(frame, row)
            growing.append(tube)
    tubes = [_closed(video, tube) for tube in (*done, *growing)]
    return [tube for tube in tubes if tube.score >= config.lowest_score and np.ptp(tube.frames) + 1 >= config.shortest]


def _closed(video: str, tube: _Open) -> Tube:
    """Frames in between, where no box was found, have what lies between their neighbours."""
    frames = np.arange(tube.frames[0], tube.frames[-1] + 1)
    boxes = np.stack(tube.boxes)
    between = np.stack([np.interp(frames, tube.frames, boxes[:, i]) for i in range(4)], axis=1)
    return Tube(video, frames, between, tube.score)
