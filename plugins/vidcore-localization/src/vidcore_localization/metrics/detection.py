"""Mean average precision of labelled segments, as ActivityNet and THUMOS14 measure it.

Letters: G truths and P predictions of a video, R predictions of all videos, I IoU thresholds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vidcore.errors import DataError
from vidcore.values import Prediction
from vidcore_localization.metrics.config import DetectionMap as DetectionMapConfig
from vidcore_localization.segments import Array, pairwise_iou

Row = tuple[str, float, float, float]  # video, start, end, score


def average_precision(truths: Mapping[str, Array], rows: Sequence[Row], iou: Sequence[float]) -> Array:
    """Average precision of one class at each IoU, `[I]`.

    Predictions are taken by score. Each takes the truth of its video that it overlaps most and that no better one has
    taken; where that overlaps too little, it is wrong.

    Args:
        truths: Segments `[G, 2]` of each video that has some.
        rows: Predictions of all videos.
        iou: Thresholds.
    """
    result = np.zeros(len(iou))
    total = sum(map(len, truths.values()))
    if not rows or not total:
        return result
    order = np.argsort([row[3] for row in rows])[::-1]
    overlaps = _overlaps(truths, rows)
    for i, threshold in enumerate(iou):
        free = {video: np.ones(len(segments), bool) for video, segments in truths.items()}
        hits = np.array([_take(rows[index][0], overlaps.get(index), free, threshold) for index in order])
        correct = hits.cumsum()
        result[i] = interpolated(correct / np.arange(1, len(hits) + 1), correct / total)
    return result


def interpolated(precision: Array, recall: Array) -> float:
    """Area under the curve in which precision is the best at this recall or a higher one (VOC, every point)."""
    best = np.maximum.accumulate(np.concatenate([[0.0], precision, [0.0]])[::-1])[::-1]
    at = np.concatenate([[0.0], recall, [1.0]])
    steps = np.flatnonzero(at[1:] != at[:-1]) + 1
    return float(np.sum((at[steps] - at[steps - 1]) * best[steps]))


def _overlaps(truths: Mapping[str, Array], rows: Sequence[Row]) -> dict[int, Array]:
    """IoU of each prediction with the truths of its video, by index of the prediction."""
    of_video: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        if row[0] in truths:
            of_video[row[0]].append(index)
    found: dict[int, Array] = {}
    for video, indices in of_video.items():
        segments = np.array([rows[index][1:3] for index in indices])
        found.update(zip(indices, pairwise_iou(truths[video], segments).T, strict=True))
    return found


def _take(video: str, overlap: Array | None, free: dict[str, Array], threshold: float) -> bool:
    """Whether the prediction finds a truth; the truth is then taken."""
    if overlap is None or not free[video].any():
        return False
    left = np.where(free[video], overlap, -1.0)
    best = int(left.argmax())
    if left[best] < threshold:
        return False
    free[video][best] = False
    return True


class DetectionMap:
    """See `vidcore_localization.metrics.config.DetectionMap`. Classes without a true segment do not count."""

    def __init__(self, config: DetectionMapConfig, classes: Sequence[str]) -> None:
        self._config, self._classes = config, tuple(classes)
        self._truths: dict[int, dict[str, list[Array]]] = defaultdict(lambda: defaultdict(list))
        self._rows: dict[int, list[Row]] = defaultdict(list)

    def update(self, prediction: Prediction, target: dict[str, Any]) -> None:
        """A video: `segments`, `scores` and `labels` predicted, `segments` and `labels` true.

        Raises:
            DataError: The predicted segments have no labels.
        """
        if "labels" not in prediction.outputs:
            raise DataError(
                "the predicted segments have no classes, so there is no mAP; give [task.classifier] with scores of "
                "videos, or measure them with `proposal-recall`"
            )
        video = prediction.ref.key
        for segment, label in zip(np.asarray(target["segments"]), np.asarray(target["labels"]), strict=True):
            self._truths[int(label)][video].append(segment)
        outputs = [np.asarray(prediction.outputs[name]) for name in ("segments", "scores", "labels")]
        for (start, end), score, label in zip(*outputs, strict=True):
            self._rows[int(label)].append((video, float(start), float(end), float(score)))

    def by_class(self) -> dict[str, Array]:
        """Average precision at each IoU, of each class that has a true segment."""
        return {
            self._classes[label]: average_precision(
                {video: np.stack(segments) for video, segments in videos.items()}, self._rows[label], self._config.iou
            )
            for label, videos in sorted(self._truths.items())
        }

    def compute(self) -> dict[str, float]:
        """`mAP@X` for each IoU X, and `mAP`, their mean; not a number where no video has a true segment."""
        found = self.by_class()
        mean = np.mean(list(found.values()), axis=0) if found else np.full(len(self._config.iou), np.nan)
        at = {f"mAP@{threshold:g}": float(value) for threshold, value in zip(self._config.iou, mean, strict=True)}
        return {"mAP": float(mean.mean()), **at}
