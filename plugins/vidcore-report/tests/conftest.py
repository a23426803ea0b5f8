"""A run folder as the engine leaves it, made by hand: 24 videos of 4 classes, six evaluations."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from vidcore.engine.predictions import Predictions, write_predictions
from vidcore.testing import make_video
from vidcore.values import Prediction, SampleRef

CLASSES = ("left", "right", "up", "down")
EXPERIMENT = """\
name = "made"
seed = 3

[task]
type = "recognition"

[model]
type = "never-installed"  # a page needs no model

[data]
decoder = {type = "pyav", index_cache = false}

[data.train]
type = "video-list"
list = "<list>"

[callbacks.report]
type = "report"
"""


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def journal(epochs: int, steps_per_epoch: int = 40) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for step in range(10, epochs * steps_per_epoch + 1, 10):
        epoch = (step - 1) // steps_per_epoch + 1
        loss = 1.4 * math.exp(-step / 90) + 0.05 * math.sin(step)
        rows.append(
            {
                "step": step,
                "epoch": epoch,
                "split": "train",
                "loss": loss + 0.1,
                "top1": 1 - loss / 2,
                "lr": 0.004 * (1 - step / 300),
            }
        )
        if step % steps_per_epoch == 0:
            top1 = 1 - 0.8 * math.exp(-step / 80)
            rows.append(
                {"step": step, "epoch": epoch, "split": "val", "top1": top1, "worst_class_accuracy": top1 - 0.1}
            )
    return rows


def made_predictions(videos: Path, count: int, split: str = "val") -> Predictions:
    rng = np.random.default_rng(0)
    samples = []
    for index in range(count):
        label = index % len(CLASSES)
        scores = torch.from_numpy(rng.dirichlet(np.ones(len(CLASSES)) * 0.3).astype(np.float32))
        if index % 6:  # five of six are right
            scores[label] += 1.0
        prediction = Prediction(
            ref=SampleRef("", 0, index),
            outputs={"scores": scores / scores.sum()},
            meta={"path": str(videos / f"{index:02d}.mp4")},
        )
        samples.append((prediction, {"label": label}))
    return Predictions(split=split, task={"type": "recognition"}, classes=CLASSES, samples=samples)


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    def make(count: int = 24, epochs: int = 6) -> Path:
        folder, videos = tmp_path / "runs" / "made", tmp_path / "videos"
        (folder / "predictions").mkdir(parents=True)
        for index in range(count):
            make_video(videos / f"{index:02d}.mp4", num_frames=8, width=64, height=48)
        (folder / "experiment.toml").write_text(EXPERIMENT)
        environment = {
            "python": "3.11",
            "packages": {"torch": "2.6"},
            "command": ["vidcore", "run", "<x>"],
            "cuda": None,
        }
        (folder / "environment.json").write_text(json.dumps(environment))
        write_rows(folder / "metrics.jsonl", journal(epochs))
        write_rows(folder / "timings.jsonl", [{"step": 10, "split": "train", "seconds": 70.0}] * 2)
        write_predictions(folder / "predictions" / "val.jsonl", made_predictions(videos, count))
        return folder

    return make
