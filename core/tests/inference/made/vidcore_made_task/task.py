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
from vidcore.values import Batch, Prediction, Sample, SampleRef
from vidcore_made_task import config as configs


class MadeTask:
    def __init__(self, config: configs.MadeTask, classes: Sequence[str]) -> None:
        self.config, self.classes = config, tuple(classes)

    def collate(self, samples: Sequence[Sample]) -> Batch:
        labels = [sample.target["label"] for sample in samples if sample.target]
        return Batch(
            refs=[sample.ref for sample in samples],
            inputs={"video": torch.cat([sample.inputs["video"] for sample in samples])},
            target={"label": torch.tensor(labels)} if labels else {},
            meta=[sample.meta for sample in samples],
            views=[len(sample.inputs["video"]) for sample in samples],
        )

    def prepare(self, batch: Batch, rng: np.random.Generator, training: bool) -> Batch:
        mean, std = torch.tensor([self.config.mean, self.config.std]).view(2, 1, -1, 1, 1, 1)
        return evolve(batch, inputs={"video": (batch.inputs["video"] - mean) / std})

    def forward(self, model: nn.Module, batch: Batch) -> Tensor:
        logits: Tensor = model(**batch.inputs)
        return logits

    def loss(self, outputs: Tensor, batch: Batch) -> Loss:
        total = F.cross_entropy(outputs.float(), batch.target["label"])
        return Loss(total=total, parts={"loss": total.detach()})

    def predict(self, outputs: Tensor, batch: Batch) -> list[Prediction]:
        views = torch.split(outputs.detach().float(), batch.views)
        return [
            Prediction(
                ref=ref,
                outputs={"scores": merged(rows, meta.get("merge", "prob"))},
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


def merged(rows: Tensor, merge: str) -> Tensor:
    """One answer for the views of a sample."""
    if merge == "score":
        return rows.mean(dim=0).softmax(-1)
    return rows.softmax(-1) if merge == "none" else rows.softmax(-1).mean(dim=0)


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
