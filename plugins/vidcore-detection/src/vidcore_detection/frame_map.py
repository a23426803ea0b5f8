"""The metric of kind `frame-map`. Letters: G annotated boxes, P proposals, of one frame; K classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from vidcore.errors import ConfigError, DataError
from vidcore.values import Prediction
from vidcore_detection import metric_config
from vidcore_detection.average_precision import Frame, average_precisions, listed, mean_of


class FrameMap:
    """Average precision of each class over all frames, averaged over classes that are annotated somewhere."""

    def __init__(self, config: metric_config.FrameMap, classes: Sequence[str]) -> None:
        self.config, self.classes = config, tuple(classes)
        for name, (_, last) in config.groups.items():
            if last > len(self.classes):
                raise ConfigError(
                    f"metric frame-map: group {name!r} ends with class {last}, there are {len(self.classes)}"
                )
        self._frames: dict[str, Frame] = {}

    def update(self, prediction: Prediction, target: dict[str, Any]) -> None:
        """Note a frame.

        Raises:
            DataError: The prediction has no boxes, or scores of another number of classes.
        """
        if "boxes" not in prediction.outputs or prediction.outputs["scores"].shape[-1] != len(self.classes):
            raise DataError(
                f"frame-map: prediction {prediction.ref.key} needs boxes, and scores of {len(self.classes)} classes"
            )
        boxes, labels, scores = listed(
            self._rounded(prediction.outputs["boxes"]), _array(prediction.outputs["scores"]), self.config.threshold
        )
        which, truth_labels = np.nonzero(_array(target["labels"]))
        self._frames[prediction.ref.key] = Frame(
            truth_boxes=_array(target["boxes"])[which],
            truth_labels=truth_labels,
            boxes=boxes,
            labels=labels,
            scores=self._rounded(scores),
        )

    def per_class(self) -> dict[str, float]:
        """Average precision of each class; nan for one that is annotated nowhere."""
        return dict(zip(self.classes, self._values().tolist(), strict=True))

    def compute(self) -> dict[str, float]:
        """`frame_map`, and what the options ask for beside it."""
        values = self._values()
        figures = {"frame_map": mean_of(values)}
        for name, (first, last) in self.config.groups.items():
            figures[f"frame_map_{name}"] = mean_of(values[first - 1 : last])
        if self.config.per_class:
            figures |= {f"frame_ap/{name}": float(value) for name, value in zip(self.classes, values, strict=True)}
        return figures

    def _values(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        config = self.config
        return average_precisions(
            [self._frames[key] for key in sorted(self._frames)],
            len(self.classes),
            iou=config.iou,
            undetected=config.undetected,
            unannotated_frames=config.unannotated_frames,
        )

    def _rounded(self, values: Tensor | np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        array = _array(values)
        return array if self.config.decimals is None else array.astype(np.float64).round(self.config.decimals)


def _array(values: Tensor | np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return values.numpy() if isinstance(values, Tensor) else values
