"""Action recognition: one class, or several, for each video.

Route: samples -> collate (in a worker) -> prepare (on the device) -> forward -> loss, or predict.
Letters: N samples, V views of one sample, R = sum of views, C channels, T frames, H W pixels, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from attrs import evolve
from torch import Tensor, nn

from vidcore.errors import ConfigError, DataError
from vidcore.interfaces import Loss
from vidcore.plugins import build
from vidcore.values import Batch, Prediction, Sample
from vidcore_recognition.config import Recognition
from vidcore_recognition.drawing import draw_scores
from vidcore_recognition.labels import join_labels
from vidcore_recognition.losses.config import Bce, CrossEntropy
from vidcore_recognition.mixing import apply_mix, draw_mix
from vidcore_tasks.batching import join_samples, rows_of_views
from vidcore_tasks.pixels import Normalize
from vidcore_tasks.views import merge_views


class RecognitionTask:
    """Knows what a class label is; knows nothing of files, models or processes."""

    def __init__(self, config: Recognition, classes: Sequence[str]) -> None:
        if not classes:
            raise ConfigError("recognition needs classes, but the data has none; name them in the data set's list")
        self.config = config
        self.classes = tuple(classes)
        self._normalize = Normalize(config.mean, config.std)
        self._criterion = build(config.loss or (Bce() if config.multi_label else CrossEntropy()))

    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Views of all samples one after the other: `inputs["video"]` becomes `[R, C, T, H, W]`.

        Raises:
            DataError: Samples differ in the shape of an input, or a label is outside the classes.
        """
        return join_samples(samples, join_labels(samples, len(self.classes)))

    def prepare(self, batch: Batch, rng: np.random.Generator, training: bool) -> Batch:
        """Pixels (uint8 inputs) to normalised float32; in training also mixup and cutmix. Other inputs stay."""
        batch = evolve(batch, inputs=self._normalize.inputs(batch.inputs))
        return self._mix(batch, rng) if training and self.config.mix else batch

    def forward(self, model: nn.Module, batch: Batch) -> Tensor:
        """Logits of every view, `[R, K]`."""
        logits: Tensor = model(**batch.inputs)
        return logits

    def loss(self, outputs: Tensor, batch: Batch) -> Loss:
        """The loss over all views; each has the target of its sample."""
        target = rows_of_views(batch.target["labels" if "labels" in batch.target else "label"], batch.views)
        total = self._criterion(outputs, target)
        parts = {"loss": total.detach()}
        if not self.config.multi_label:
            strongest = target.argmax(dim=1) if target.ndim == 2 else target
            parts["top1"] = (outputs.detach().argmax(dim=1) == strongest).float().mean()
        return Loss(total=total, parts=parts)

    def predict(self, outputs: Tensor, batch: Batch) -> list[Prediction]:
        """Scores of each sample, float32 on the CPU: `[K]`, or `[V, K]` where views are not merged."""
        logits = torch.split(outputs.detach().float(), batch.views)
        merged = [
            merge_views(rows, meta.get("merge", "prob"), self._probabilities)
            for rows, meta in zip(logits, batch.meta, strict=True)
        ]
        scores = torch.stack(merged).cpu() if len({rows.shape for rows in merged}) == 1 else [m.cpu() for m in merged]
        triples = zip(batch.refs, scores, batch.meta, strict=True)
        return [Prediction(ref=ref, outputs={"scores": row}, meta=meta) for ref, row, meta in triples]

    def targets(self, batch: Batch) -> Iterator[dict[str, Any]]:
        """`{"label": int}` or `{"labels": float [K]}` of each sample, on the CPU; empty where there is none."""
        target = {name: value.cpu() for name, value in batch.target.items()}
        for i in range(len(batch)):
            yield {name: int(value[i]) if name == "label" else value[i] for name, value in target.items()}

    def made_target(self, index: int) -> dict[str, Any]:
        """A target of this task's form, for samples that a dry run makes."""
        label = index % len(self.classes)
        if not self.config.multi_label:
            return {"label": label}
        return {"labels": F.one_hot(torch.tensor(label), len(self.classes)).float()}

    def draw(self, predictions: Sequence[Prediction], frames: Tensor, seconds: Sequence[float]) -> Tensor:
        """Names and bars of the best classes over frames, uint8 `[T, 3, H, W]` in and out."""
        return draw_scores(frames, predictions, seconds, self.classes, self.config.top_k)

    def _probabilities(self, logits: Tensor) -> Tensor:
        """Softmax over classes, or a sigmoid for each class on its own where a sample has several."""
        return logits.sigmoid() if self.config.multi_label else logits.softmax(dim=-1)

    def _mix(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """Blend samples as drawn. Every pixel input is blended alike, and the target becomes soft."""
        assert self.config.mix is not None
        draw = draw_mix(self.config.mix, len(batch), rng)
        if draw is None:
            return batch
        if len(set(batch.views)) > 1:
            raise DataError("samples with different numbers of views cannot be blended; take task.mix out")
        labels = (
            batch.target["labels"] if "labels" in batch.target else F.one_hot(batch.target["label"], len(self.classes))
        )
        inputs, target = dict(batch.inputs), batch.target
        for name, value in batch.inputs.items():
            if not (isinstance(value, Tensor) and value.is_floating_point() and value.ndim >= 4):
                raise ConfigError(f"task.mix blends pixels; input {name!r} is none, so take task.mix out")
            per_sample = value.view(len(batch), batch.views[0], *value.shape[1:])
            mixed, soft = apply_mix(draw, per_sample, labels.float())
            inputs[name], target = mixed.flatten(0, 1), {"labels": soft}
        return evolve(batch, inputs=inputs, target=target)
