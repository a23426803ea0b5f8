from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from attrs import evolve
from torch import Tensor, nn

from vidcore.engine.events import StopTraining
from vidcore.interfaces import Finding, Loss
from vidcore.plugins import hookimpl
from vidcore.randomness import Purpose, generator
from vidcore.values import Batch, Prediction, Sample, SampleRef
from vidcore_engine_toy import config as configs
from vidcore_engine_toy.config import CLASSES


class ToyTask:
    def __init__(self, config: configs.ToyTask, classes: Sequence[str]) -> None:
        self.config, self.num_classes = config, len(classes)

    def collate(self, samples: Sequence[Sample]) -> Batch:
        return Batch(
            refs=[sample.ref for sample in samples],
            inputs={"video": torch.cat([sample.inputs["video"] for sample in samples])},
            target={"label": torch.tensor([sample.target["label"] for sample in samples])},
            meta=[sample.meta for sample in samples],
            views=[len(sample.inputs["video"]) for sample in samples],
            draws={name: torch.stack([sample.draws[name] for sample in samples]) for name in samples[0].draws},
        )

    def prepare(self, batch: Batch, rng: np.random.Generator, training: bool) -> Batch:
        inputs = {"video": (batch.inputs["video"].float() - 100.0) / 60.0}
        target = F.one_hot(batch.target["label"], self.num_classes).float()
        if training and self.config.mixup:
            share, order = float(rng.beta(self.config.mixup, self.config.mixup)), rng.permutation(len(batch))
            inputs = {"video": inputs["video"] * share + inputs["video"][order] * (1 - share)}
            target = target * share + target[order] * (1 - share)
        return evolve(batch, inputs=inputs, target={"label": batch.target["label"], "soft": target})

    def forward(self, model: nn.Module, batch: Batch) -> Any:
        return model(**batch.inputs)

    def loss(self, outputs: Tensor, batch: Batch) -> Loss:
        hit = (outputs.detach().argmax(dim=1) == batch.target["label"]).float().mean()
        return Loss(total=F.cross_entropy(outputs, batch.target["soft"]), parts={"top1": hit})

    def predict(self, outputs: Tensor, batch: Batch) -> list[Prediction]:
        scores = [rows.float().softmax(dim=1).mean(dim=0) for rows in outputs.split(batch.views)]
        return [
            Prediction(ref=ref, outputs={"scores": row}, meta=meta)
            for ref, row, meta in zip(batch.refs, scores, batch.meta, strict=True)
        ]

    def targets(self, batch: Batch) -> Iterator[dict[str, Any]]:
        for label in batch.target["label"].tolist():
            yield {"label": label}

    def draw(self, predictions: Sequence[Prediction], frames: Tensor, seconds: Sequence[float]) -> Tensor:
        return frames


class ToyAccuracy:
    lower_is_better = ("error",)

    def __init__(self, config: configs.ToyAccuracy, classes: Sequence[str]) -> None:
        self.config = config
        self.ranks: list[int] = []

    def update(self, prediction: Prediction, target: dict[str, Any]) -> None:
        scores = prediction.outputs["scores"]
        self.ranks.append(int((scores > scores[target["label"]]).sum()))

    def compute(self) -> dict[str, float]:
        total = max(len(self.ranks), 1)
        right = {f"top{k}": sum(rank < k for rank in self.ranks) / total for k in self.config.top_k}
        return {"error": 1 - right["top1"], **right} if self.config.error_first else right


class ToyNet(nn.Module):
    def __init__(self, config: configs.ToyNet) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv3d(3, config.width, 3, padding=1),
            nn.BatchNorm3d(config.width) if config.norm else nn.Identity(),
            nn.ReLU(),
        )
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.width, config.num_classes or len(CLASSES))

    def blocks(self) -> list[nn.Module]:
        return [self.backbone]

    def features(self, video: Tensor) -> tuple[Tensor, ...]:
        return (self.backbone(video),)

    def forward(self, video: Tensor) -> Tensor:
        logits: Tensor = self.head(self.dropout(self.features(video)[-1].mean(dim=(2, 3, 4))))
        return logits


class ToyClips:
    def __init__(self, config: configs.ToyClips, context: Any = None) -> None:
        self.config = config

    @property
    def classes(self) -> Sequence[str]:
        return CLASSES

    def __len__(self) -> int:
        return self.config.samples

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        if self.config.delay_seconds:
            time.sleep(self.config.delay_seconds)
        label = ref.index % len(CLASSES)
        fixed = generator(99, Purpose.SAMPLE, 0, ref.index)
        pixels = fixed.integers(0, 120, (self.config.views_a_sample, 3, 4, 8, 8)).astype(np.uint8)
        pixels += rng.integers(0, 20, pixels.shape).astype(np.uint8)
        pixels[:, : label + 1 if label < 3 else 0] += 100
        video = torch.from_numpy(pixels)
        if ref.index in self.config.bad:
            video = torch.full(video.shape, float("nan"))
        elif self.config.bad:
            video = (video.float() - 100.0) / 60.0  # bad samples are floats, so the others of a batch are
        return [
            Sample(ref=ref, inputs={"video": video}, target={"label": label}, meta={"path": f"clip{ref.index}.mp4"})
        ]

    def check(self, deep: bool = False) -> Iterable[Finding]:
        return []


class ToyWatcher:
    """Listens to every event."""

    def __init__(self, config: configs.ToyWatcher) -> None:
        self.config = config
        self.heard: list[str] = []

    def _hear(self, event: str, **values: Any) -> None:
        self.heard.append(event)
        if self.config.path:
            with Path(self.config.path).open("a") as file:
                file.write(json.dumps({"event": event, **values}) + "\n")
        if event == self.config.fail_at:
            raise OSError("the toy watcher broke")

    @hookimpl
    def stage_started(self, stage: str, type: str) -> None:
        self._hear("stage_started", stage=stage, type=type)

    @hookimpl
    def stage_finished(self, stage: str, folder: Path) -> None:
        self._hear("stage_finished", stage=stage, there=folder.is_dir())

    @hookimpl
    def run_started(self, run: Any) -> None:
        self._hear("run_started", start_step=run.start_step, total_steps=run.total_steps)

    @hookimpl
    def epoch_started(self, epoch: int) -> None:
        self._hear("epoch_started", epoch=epoch)

    @hookimpl
    def step_finished(self, step: int, epoch: int, values: dict[str, float]) -> None:
        self._hear("step_finished", step=step, epoch=epoch)

    @hookimpl
    def evaluation_finished(self, split: str, metrics: dict[str, float], predictions: Path) -> None:
        self._hear("evaluation_finished", split=split, names=sorted(metrics), there=predictions.exists())

    @hookimpl
    def epoch_finished(self, epoch: int) -> None:
        self._hear("epoch_finished", epoch=epoch)

    @hookimpl
    def checkpoint_saved(self, step: int, path: Path) -> None:
        self._hear("checkpoint_saved", step=step, there=path.exists())

    @hookimpl
    def run_finished(self, metrics: dict[str, float]) -> None:
        self._hear("run_finished")

    @hookimpl
    def run_stopped(self, step: int, reason: str) -> None:
        self._hear("run_stopped", step=step, reason=reason)


class ToyBrake:
    may_stop_run = True

    def __init__(self, config: configs.ToyBrake) -> None:
        self.config = config

    @hookimpl
    def run_started(self, run: Any) -> None:
        if self.config.remember and run.start_step >= self.config.after_epoch * run.steps_per_epoch:
            raise StopTraining("good enough")

    @hookimpl
    def evaluation_finished(self, epoch: int) -> None:
        if self.config.fail:
            raise ValueError("the toy brake broke")
        if epoch >= self.config.after_epoch:
            raise StopTraining("good enough")


def toy_batches(task: Any, dataset: ToyClips, *, seed: int, batch_size: int, start: int = 0) -> Iterator[Any]:
    """Batches without end, in one process: what the loader gives, in ten lines."""
    per_epoch = len(dataset) // batch_size
    while True:
        epoch, place = divmod(start, per_epoch)
        order = generator(seed, Purpose.ORDER, epoch).permutation(len(dataset))
        refs = [SampleRef("", epoch, int(i)) for i in order[place * batch_size : (place + 1) * batch_size]]
        samples = [dataset.sample(ref, generator(seed, Purpose.SAMPLE, ref.epoch, ref.index))[0] for ref in refs]
        yield task.collate(samples)
        start += 1
