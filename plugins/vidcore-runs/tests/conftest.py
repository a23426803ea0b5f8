"""Run folders as the engine leaves them, made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import torch

from vidcore.engine.predictions import Predictions, write_predictions
from vidcore.values import Prediction, SampleRef

EXPERIMENT = """\
name = "{name}"
seed = {seed}
task = {{ type = "recognition" }}
model = {{ type = "slow", num_classes = 2, depth = {depth} }}
metrics.accuracy = {metric}

[data]
root = "/data/{name}"

[data.train]
type = "made"
batch_size = 4

[optimizer]
type = "adamw"
lr = 0.1

[engine]
epochs = {epochs}
accumulate = 2
"""
BEGINS = "2026-01-02 03:04:05,006 INFO    made: begins after step 0 of 30, on cpu in fp32\n"
Made = Callable[..., Path]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """`made(name, top1=[...])`: an epoch has 10 steps and a value of top1; the training of epoch 2 is the slowest."""

    def make(
        name: str,
        top1: Sequence[float] = (0.2, 0.6, 0.5),
        seed: int = 0,
        depth: int = 18,
        epochs: int = 3,
        log: str = "",
        answers: Sequence[int] = (),  # of the samples, whose truth is their number modulo 2
        metric: str = '{ type = "accuracy", top_k = [1] }',
    ) -> Path:
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        text = EXPERIMENT.format(name=name, seed=seed, depth=depth, epochs=epochs, metric=metric)
        (folder / "experiment.toml").write_text(text)
        (folder / "log.txt").write_text(BEGINS + log)
        rows: list[Mapping[str, object]] = []
        times: list[Mapping[str, object]] = []
        for epoch, value in enumerate(top1, 1):
            place = {"step": 10 * epoch, "epoch": epoch}
            rows.append({**place, "split": "train", "loss": 1 / epoch, "lr": 0.1})
            rows.append({**place, "split": "val", "top1": value})
            seconds = 80.0 if epoch == 2 else 20.0 + epoch
            speed = {"data_seconds": seconds / 4, "clips_per_second": 8.0, "memory_bytes": 2**30}
            times.append({**place, "split": "train", "seconds": seconds, **speed})
            times.append({**place, "split": "val", "seconds": 2.0, "memory_bytes": 2**30})
        if len(top1) == epochs:
            rows.append({"step": 10 * epochs, "epoch": epochs, "split": "test", "top1": max(top1)})
            result = {"epochs": epochs, "steps": 10 * epochs, "split": "val", "metrics": {"top1": max(top1)}}
            best = {"best": max(top1), "best_metric": "top1", "best_step": 10 * (list(top1).index(max(top1)) + 1)}
            (folder / "result.json").write_text(json.dumps({**result, **best, "bad_steps": 0, "ended_early": ""}))
        (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (folder / "timings.jsonl").write_text("".join(json.dumps(row) + "\n" for row in times))
        if answers:
            write_predictions(folder / "predictions/test.jsonl", said(answers))
        return folder

    return make


def said(answers: Sequence[int]) -> Predictions:
    samples = [
        (
            Prediction(ref=SampleRef("", 0, index), outputs={"scores": torch.eye(2)[answer]}, meta={}),
            {"label": index % 2},
        )
        for index, answer in enumerate(answers)
    ]
    return Predictions(split="test", task={"type": "recognition"}, classes=("a", "b"), samples=samples)
