"""Accuracy of each of two streams and of weighted sums of them. Letters: N samples, K classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from attrs import evolve
from numpy.typing import NDArray

from vidcore.errors import RunError
from vidcore.values import Prediction
from vidcore_posec3d.metric_config import StreamAccuracy as Options
from vidcore_recognition.metrics.accuracy import top_k_accuracy
from vidcore_recognition.metrics.confusion import confusion_matrix, mean_class_accuracy
from vidcore_recognition.metrics.fusion import fuse_scores
from vidcore_recognition.metrics.scores import class_scores, true_class

STREAMS = ("rgb", "pose")


class StreamAccuracy:
    """Gathers the scores of both streams."""

    def __init__(self, config: Options, classes: Sequence[str]) -> None:
        self.config = config
        self._num_classes = len(classes)
        self._scores: dict[str, list[NDArray[np.float32]]] = {name: [] for name in STREAMS}
        self._labels: list[int] = []

    def update(self, prediction: Prediction, target: dict[str, Any]) -> None:
        """Raises RunError where the task does not tell the streams apart."""
        self._labels.append(true_class(prediction, target, self._num_classes))
        for name in STREAMS:
            key = f"{name}_scores"
            if key not in prediction.outputs:
                raise RunError(f"the prediction of sample {prediction.ref.key} has no {key!r}; its task has one stream")
            alone = evolve(prediction, outputs={"scores": prediction.outputs[key]})
            self._scores[name].append(class_scores(alone, self._num_classes))

    def compute(self) -> dict[str, float]:
        """`rgb_top1`, `pose_top1`, `rgb:pose_1:1_top1`, and so on; the same for `mean_class_accuracy`."""
        if not self._labels:
            return {}
        labels, figures = np.array(self._labels), dict[str, float]()
        for name, scores in self._answers():
            figures |= {f"{name}_top{k}": top_k_accuracy(scores, labels, k) for k in self.config.top_k}
            matrix = confusion_matrix(scores.argmax(1), labels)
            figures[f"{name}_mean_class_accuracy"] = mean_class_accuracy(matrix, "true")
        return figures

    def _answers(self) -> Iterator[tuple[str, NDArray[Any]]]:
        streams = [np.stack(self._scores[name]) for name in STREAMS]
        yield from zip(STREAMS, streams, strict=True)
        for weights in self.config.weights:
            told = ":".join(f"{weight:g}" for weight in weights)
            yield f"{':'.join(STREAMS)}_{told}", fuse_scores(streams, weights)
