"""Temporal localization: from features of a video to the segments in which something happens.

Route: samples -> collate (in a worker) -> prepare (on the device) -> forward -> loss, or predict. What targets look
like, and how outputs become proposals, is up to the method.
Letters: N samples, C channels, T moments, G true segments, P proposals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from vidcore.interfaces import Loss
from vidcore.plugins import build
from vidcore.values import Batch, Prediction, Sample
from vidcore_localization.classifier import classifier_of
from vidcore_localization.config import Localization
from vidcore_localization.drawing import draw_timeline, draw_whole
from vidcore_localization.segments import Array, best_segments, covered_seconds
from vidcore_tasks.batching import join_samples


class Method(Protocol):
    """What the outputs of a family of models mean. A component of kind `localization.method`."""

    def prepare(self, batch: Batch, rng: np.random.Generator, training: bool) -> Batch:
        """On the device: make what the loss compares with, and draw what it chooses by chance (`batch.draws`)."""

    def loss(self, outputs: Any, batch: Batch) -> Loss: ...

    def proposals(self, outputs: Any, batch: Batch) -> list[dict[str, Any]]:
        """For each sample `segments` `[P, 2]`, as fractions of what the features cover, and `scores` `[P]`.

        A method whose outputs are no segments yet answers something else; that is kept as it is.
        """


@runtime_checkable
class MakesTargets(Protocol):
    """A method whose samples have more in their targets than segments, and which can make that for a dry run."""

    def made_target(self) -> dict[str, Any]: ...


class LocalizationTask:
    """Knows what segments are; knows nothing of files, models or processes."""

    def __init__(self, config: Localization, classes: Sequence[str]) -> None:
        self.config, self.classes = config, tuple(classes)
        self._method: Method = build(config.method)
        self._classifier = classifier_of(config.classifier, classes) if config.classifier else None

    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Inputs one after the other; targets of each sample stay a list, for their number differs.

        Raises:
            DataError: Samples differ in the shape of an input.
        """
        names = samples[0].target
        return join_samples(samples, {name: [sample.target[name] for sample in samples] for name in names})

    def prepare(self, batch: Batch, rng: np.random.Generator, training: bool) -> Batch:
        """What the method makes of it."""
        return self._method.prepare(batch, rng, training)

    def forward(self, model: nn.Module, batch: Batch) -> Any:
        """The model's outputs for all samples."""
        return model(**batch.inputs)

    def loss(self, outputs: Any, batch: Batch) -> Loss:
        """What the method asks for."""
        return self._method.loss(outputs, batch)

    def predict(self, outputs: Any, batch: Batch) -> list[Prediction]:
        """For each video `segments` in seconds, float32 `[P, 2]`, and `scores` `[P]`, best first.

        With a classifier there are also `labels`, int64 `[P]`.
        """
        found = zip(batch.refs, self._method.proposals(outputs, batch), batch.meta, strict=True)
        return [Prediction(ref=ref, outputs=self._finish(rows, meta), meta=meta) for ref, rows, meta in found]

    def targets(self, batch: Batch) -> Iterator[dict[str, Any]]:
        """The target of each sample, on the CPU."""
        for i in range(len(batch)):
            yield {name: _on_cpu(values[i]) for name, values in batch.target.items()}

    def made_target(self, index: int) -> dict[str, Any]:
        """A target of this task's form, for samples that a dry run makes."""
        spans = torch.tensor([[0.2, 0.6]])
        labels = torch.tensor([index % max(len(self.classes), 1)])
        more = self._method.made_target() if isinstance(self._method, MakesTargets) else {}
        return {"segments": spans.double(), "spans": spans, "labels": labels, **more}

    def draw(self, predictions: Sequence[Prediction], frames: Tensor, seconds: Sequence[float]) -> Tensor:
        """A timeline of the best segments along the lower edge of frames, uint8 `[T, 3, H, W]` in and out."""
        return draw_timeline(frames, predictions, seconds, self.classes)

    def draw_whole(
        self, predictions: Sequence[Prediction], frames: Tensor, seconds: Sequence[float], width: int
    ) -> Tensor:
        """One picture of a video: its frames, which may be none, above all segments; uint8 `[3, H, width]`."""
        return draw_whole(frames, predictions, seconds, self.classes, width)

    def _finish(self, rows: Mapping[str, Any], meta: Mapping[str, Any]) -> dict[str, Any]:
        if "segments" not in rows:
            return dict(rows)
        given = rows["segments"], rows["scores"]
        seconds = self._seconds(meta)
        segments, scores = best_segments(*given, self.config.suppression, seconds)
        if self._classifier is None:
            return _tensors(segments, scores)
        segments, scores, labels = self._classifier.label(str(meta["video"]), segments, scores, seconds)
        return {**_tensors(segments, scores), "labels": torch.from_numpy(labels)}

    def _seconds(self, meta: Mapping[str, Any]) -> float:
        """Seconds that a fraction of 1 means."""
        interval, frames = self.config.feature_interval, meta.get("frames")
        if interval is None or not frames:
            return float(meta.get("covered_seconds", 1.0))
        return covered_seconds(int(frames), float(meta["seconds"]), interval)


def _tensors(segments: Array, scores: Array) -> dict[str, Tensor]:
    return {"segments": torch.from_numpy(segments).float(), "scores": torch.from_numpy(scores).float()}


def _on_cpu(value: Any) -> Any:
    return value.cpu() if isinstance(value, Tensor) else value
