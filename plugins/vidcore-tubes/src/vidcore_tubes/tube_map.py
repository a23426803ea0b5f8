"""The metric of kind `tube-map`. Letters: G annotated boxes, P proposals, of one frame; K classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vidcore.errors import ConfigError, DataError
from vidcore.values import Prediction
from vidcore.wording import nearest
from vidcore_tubes.evaluation import Detections, evaluate
from vidcore_tubes.metric_config import TubeMap
from vidcore_tubes.tubes import Numbers, Tube

_Key = tuple[str, int, int]  # video, class, person


class TubeMapMetric:
    """Gathers frames; links them when it is asked for figures."""

    def __init__(self, config: TubeMap, classes: Sequence[str]) -> None:
        self.config, self.classes = config, tuple(classes)
        if unknown := [name for name in config.leave_out if name not in self.classes]:
            raise ConfigError(f"metric tube-map: leave_out names {unknown[0]!r}{nearest(unknown[0], classes)}")
        self._frames: dict[tuple[str, int], tuple[Numbers, Numbers, Numbers]] = {}  # boxes, classes, scores
        self._truth: dict[_Key, dict[int, Numbers]] = {}

    def update(self, prediction: Prediction, target: dict[str, Any]) -> None:
        """Note a key frame.

        Raises:
            DataError: It is not known which frame of which video it is, or who is in the annotated boxes.
        """
        meta, outputs = prediction.meta, prediction.outputs
        if not {"video", "key_frame", "size"} <= meta.keys() or "boxes" not in outputs:
            raise DataError(f"tube-map: prediction {prediction.ref.key} is not of boxes in a key frame of a video")
        video, frame, (height, width) = str(meta["video"]), int(meta["key_frame"]), meta["size"]
        scale = np.array([width, height, width, height], np.float64)
        scores = _array(outputs["scores"]).reshape(-1, len(self.classes))
        best = scores.argmax(axis=1)
        boxes = _array(outputs["boxes"]).reshape(-1, 4) * scale
        self._frames[video, frame] = boxes, best, scores[np.arange(len(best)), best]
        persons = _array(target.get("persons", ()))
        truth = _array(target["boxes"]).reshape(-1, 4) * scale
        if len(persons) != len(truth) or (persons < 0).any():
            raise DataError(
                f"tube-map: in frame {frame} of {video} it is not known who is in the annotated boxes, so there are no "
                "tubes to compare with; measure with frame-map"
            )
        for box, person, labels in zip(truth, persons.tolist(), _array(target["labels"]), strict=True):
            for label in np.flatnonzero(labels).tolist():
                self._truth.setdefault((video, label, int(person)), {})[frame] = box

    def compute(self) -> dict[str, float]:
        """`frame_map`, `video_map@0.5`, ..."""
        frames: dict[str, list[int]] = {}
        for video, frame in sorted(self._frames):
            frames.setdefault(video, []).append(frame)
        truth: dict[int, list[Tube]] = {}
        for (video, label, _), boxes in sorted(self._truth.items()):
            own = sorted(boxes)
            truth.setdefault(label, []).append(Tube(video, np.array(own), np.stack([boxes[frame] for frame in own])))
        return evaluate(truth, self._detections(), frames, self.classes, self.config)

    def _detections(self) -> Detections:
        found = sorted(self._frames.items())
        counts = [len(boxes) for _, (boxes, _, _) in found]
        nothing = np.zeros((0, 4)), np.zeros(0, int), np.zeros(0)
        boxes, labels, scores = map(np.concatenate, zip(nothing, *(own for _, own in found), strict=True))
        return Detections(
            videos=[video for ((video, _), _), count in zip(found, counts, strict=True) for _ in range(count)],
            frames=np.repeat(np.array([frame for (_, frame), _ in found], int), counts),
            labels=labels,
            scores=scores,
            boxes=boxes,
        )


def _array(values: Any) -> Numbers:
    return np.asarray(values)
