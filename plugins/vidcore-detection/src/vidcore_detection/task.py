"""Action detection: what is done in each box of a key frame.

A sample has one clip. `inputs["boxes"]` are its proposals, in pixels of the clip; the target of a sample is
    boxes      annotated boxes, shares of the source frame, [G, 4]
    labels     what is done in them, 0 or 1, [G, K]
    persons    numbers of those in them, -1 where they are not known, [G]
    regions    the same boxes in pixels of the clip, as far as it shows them, with region_labels [.., K]; for training
    proposals  the proposals as shares of the source frame, [P, 4]: where a prediction says that something is
Without proposals the whole frame is one. Route: samples -> collate (in a worker) -> prepare (on the device: matching in
training) -> forward -> loss, or predict.
Letters: N samples, G annotated boxes, P proposals, R regions of all samples, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from attrs import evolve
from torch import Tensor, nn

from vidcore.errors import ConfigError, DataError
from vidcore.interfaces import Loss
from vidcore.values import Batch, Prediction, Sample
from vidcore_detection.boxes import whole_frame
from vidcore_detection.config import ActionDetection
from vidcore_detection.drawing import draw_boxes
from vidcore_detection.losses import action_loss
from vidcore_detection.matching import training_regions
from vidcore_detection.padding import common_size, pad_to
from vidcore_detection.scores import recall_precision, top_k_matrix
from vidcore_tasks.batching import join_samples, sample_name
from vidcore_tasks.pixels import Normalize

_TARGET = ("boxes", "labels", "persons", "regions", "region_labels", "proposals")
_SURE = 0.5  # probability from which a class counts as predicted, in the figures shown while training


class ActionDetectionTask:
    """Knows boxes and what is done in them; knows nothing of files, backbones or processes."""

    def __init__(self, config: ActionDetection, classes: Sequence[str]) -> None:
        if not classes:
            raise ConfigError("action detection needs classes, but the data has none; give the data set its class list")
        self.config = config
        self.classes = tuple(classes)
        self._normalize = Normalize(config.mean, config.std)

    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Clips padded to a common size; boxes and targets as lists with an entry for each sample.

        Raises:
            DataError: A sample has several views, or labels of another number of classes.
        """
        samples = [self._completed(sample) for sample in samples]
        size = common_size([sample.inputs["video"] for sample in samples], self.config.size_divisor)
        samples = [
            evolve(sample, inputs=sample.inputs | {"video": pad_to(sample.inputs["video"], size)}) for sample in samples
        ]
        return join_samples(samples, {name: [sample.target[name] for sample in samples] for name in _TARGET})

    def prepare(self, batch: Batch, rng: np.random.Generator, training: bool) -> Batch:
        """Pixels to normalised float32; in training proposals are matched with annotated boxes."""
        batch = evolve(batch, inputs=self._normalize.inputs(batch.inputs))
        if not training:
            return batch
        target = batch.target
        triples = zip(batch.inputs["boxes"], target["regions"], target["region_labels"], strict=True)
        matched = [training_regions(*triple, self.config.matching, rng) for triple in triples]
        return evolve(
            batch,
            inputs=batch.inputs | {"boxes": [boxes for boxes, _ in matched]},
            target=target | {"matched": [labels for _, labels in matched]},
        )

    def forward(self, model: nn.Module, batch: Batch) -> Tensor:
        """Logits of every region, `[R, K]`."""
        logits: Tensor = model(**batch.inputs)
        return logits

    def loss(self, outputs: Tensor, batch: Batch) -> Loss:
        """The loss over regions that have a label, and how well these are told."""
        labels = torch.cat(batch.target["matched"])
        total = action_loss(outputs, labels, self.config.focal, multi_label=self.config.multi_label)
        return Loss(total=total, parts={"loss": total.detach(), **self._figures(outputs.detach(), labels)})

    def predict(self, outputs: Tensor, batch: Batch) -> list[Prediction]:
        """For each sample its proposals, `boxes [P, 4]` as shares of the frame, and `scores [P, K]`."""
        scores = self.probabilities(outputs.detach().float()).cpu()
        rows = torch.split(scores, [len(boxes) for boxes in batch.inputs["boxes"]])
        quadruples = zip(batch.refs, batch.target["proposals"], rows, batch.meta, strict=True)
        return [
            Prediction(ref=ref, outputs={"boxes": boxes.cpu(), "scores": row}, meta=meta)
            for ref, boxes, row, meta in quadruples
        ]

    def targets(self, batch: Batch) -> Iterator[dict[str, Any]]:
        """Annotated boxes of each sample, as shares of the frame, their labels and who is in them."""
        target = batch.target
        for boxes, labels, persons in zip(target["boxes"], target["labels"], target["persons"], strict=True):
            yield {"boxes": boxes.cpu(), "labels": labels.cpu(), "persons": persons.cpu()}

    def made_target(self, index: int) -> dict[str, Any]:
        """A target of this task's form, for samples that a dry run makes: the whole frame does one thing."""
        labels = torch.zeros(1, len(self.classes))
        labels[0, index % len(self.classes)] = 1.0
        return {"boxes": whole_frame(), "labels": labels}

    def draw(self, predictions: Sequence[Prediction], frames: Tensor, seconds: Sequence[float]) -> Tensor:
        """Boxes with the names of what is done in them over frames, uint8 `[T, 3, H, W]` in and out."""
        return draw_boxes(frames, predictions, seconds, self.classes, self.config.shown)

    def probabilities(self, logits: Tensor) -> Tensor:
        """A sigmoid for each class on its own, or a softmax over classes."""
        return logits.sigmoid() if self.config.multi_label else logits.softmax(dim=-1)

    def _completed(self, sample: Sample) -> Sample:
        """With proposals and every part of the target: videos without annotation have none, a dry run has some."""
        video, target = sample.inputs["video"], dict(sample.target)
        if len(video) != 1:
            raise DataError(
                f"{sample_name(sample)} has {len(video)} views; boxes belong to one: take [data.*.views] out"
            )
        size = (video.shape[-2], video.shape[-1])
        target.setdefault("boxes", torch.zeros(0, 4))
        target.setdefault("labels", torch.zeros(0, len(self.classes)))
        target.setdefault("proposals", whole_frame())
        target.setdefault("persons", torch.full((len(target["boxes"]),), -1))
        if "regions" not in target:
            target["regions"] = target["boxes"] * whole_frame(size)[:, [2, 3, 2, 3]]
            target["region_labels"] = target["labels"]
        if target["labels"].shape != (len(target["boxes"]), len(self.classes)):
            raise DataError(
                f"{sample_name(sample)} has labels of shape {tuple(target['labels'].shape)} for "
                f"{len(target['boxes'])} boxes and {len(self.classes)} classes"
            )
        return evolve(sample, inputs={"boxes": [whole_frame(size)], **sample.inputs}, target=target)

    def _figures(self, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        probabilities, truth = self.probabilities(logits.float()), labels > 0
        predictions = {f"top{k}": top_k_matrix(probabilities, k) for k in self.config.top_k}
        if self.config.multi_label:
            predictions = {"sure": probabilities > _SURE, **predictions}
        figures: dict[str, Tensor] = {}
        for name, predicted in predictions.items():
            recall, precision = recall_precision(predicted, truth, truth.any(dim=1))
            figures |= {f"recall_{name}": recall, f"precision_{name}": precision}
        return figures
