from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from attrs import evolve
from torch import Tensor, nn

from vidcore.data.clips import DataContext, read_clips
from vidcore.interfaces import Finding, Loss
from vidcore.tasks.batching import join_samples, rows_of_views
from vidcore.tasks.pixels import Normalize
from vidcore.tasks.views import merge_views
from vidcore.values import Batch, Prediction, Sample, SampleRef
from vidcore_made_task import config as configs


class MadeTask:
    def __init__(self, config: configs.MadeTask, classes: Sequence[str]) -> None:
        self.config, self.classes = config, tuple(classes)
        self._normalize = Normalize(config.mean, config.std)

    def collate(self, samples: Sequence[Sample]) -> Batch:
        labels = [sample.target["label"] for sample in samples if sample.target]
        return join_samples(samples, {"label": torch.tensor(labels)} if labels else {})

    def prepare(self, batch: Batch, rng: np.random.Generator, training: bool) -> Batch:
        return evolve(batch, inputs=self._normalize.inputs(batch.inputs))

    def forward(self, model: nn.Module, batch: Batch) -> Tensor:
        logits: Tensor = model(**batch.inputs)
        return logits

    def loss(self, outputs: Tensor, batch: Batch) -> Loss:
        total = F.cross_entropy(outputs.float(), rows_of_views(batch.target["label"], batch.views))
        return Loss(total=total, parts={"loss": total.detach()})

    def predict(self, outputs: Tensor, batch: Batch) -> list[Prediction]:
        views = torch.split(outputs.detach().float(), batch.views)
        return [
            Prediction(
                ref=ref,
                outputs={"scores": merge_views(rows, meta.get("merge", "prob"), lambda one: one.softmax(-1)).cpu()},
                meta=meta,
            )
            for ref, rows, meta in zip(batch.refs, views, batch.meta, strict=True)
        ]

    def targets(self, batch: Batch) -> Iterator[dict[str, Any]]:
        labels = batch.target["label"].tolist() if batch.target else [None] * len(batch)
        return ({} if label is None else {"label": label} for label in labels)

    def draw(self, predictions: Sequence[Prediction], frames: Tensor, seconds: Sequence[float]) -> Tensor:
        """A white bar along the upper edge, as long as the best score is high."""
        painted = frames.clone()
        painted[..., 0, : int(frames.shape[-1] * predictions[0].outputs["scores"].max())] = 255
        return painted


class MadeVideos:
    def __init__(self, config: configs.MadeVideos, context: DataContext) -> None:
        self.classes, self._context = config.classes, context
        self._paths = [path for name in config.classes for path in sorted((context.root / name).glob("*.mp4"))]

    def __len__(self) -> int:
        return len(self._paths)

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        path = self._paths[ref.index]
        with self._context.decoder.open(path) as reader:
            (reading,) = read_clips(reader, self._context, rng)
        label = self.classes.index(path.parent.name)
        meta = {"path": str(path), "merge": self._context.views.merge}
        return [Sample(ref=ref, inputs={"video": reading.video}, target={"label": label}, meta=meta)]

    def check(self, deep: bool = False) -> Iterable[Finding]:
        return []


class MadeTopK:
    def __init__(self, config: configs.MadeTopK, classes: Sequence[str]) -> None:
        self.config = config
        self._ranks: list[int] = []

    def update(self, prediction: Prediction, target: dict[str, Any]) -> None:
        order = prediction.outputs["scores"].argsort(descending=True).tolist()
        self._ranks.append(order.index(target["label"]))

    def compute(self) -> dict[str, float]:
        return {
            f"top{k}": sum(rank < k for rank in self._ranks) / len(self._ranks) if self._ranks else 0.0
            for k in self.config.top_k
        }
