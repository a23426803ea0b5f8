"""Data made for tests of localization models: it can be seen where something happens. And what blind windows reach."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vidcore.values import Prediction, SampleRef
from vidcore_localization.classifier import ProposalClassifier
from vidcore_localization.metrics.config import DetectionMap as DetectionMapConfig
from vidcore_localization.metrics.detection import DetectionMap
from vidcore_localization.metrics.recall import recall_curve
from vidcore_localization.segments import Array

CLASSES = ("hop", "run", "wave")
CHANNELS, LENGTH = 12, 40


def write_made_features(folder: Path, name: str, count: int, seed: int) -> dict[str, Any]:
    """Write `features/NAMEi.npy`, noise with a direction of its own for each class, and `NAME.json` with the segments.

    Returns:
        What the JSON holds.
    """
    rng, directions = np.random.default_rng(seed), np.random.default_rng(7).normal(size=(len(CLASSES), CHANNELS))
    (folder / "features").mkdir(parents=True, exist_ok=True)
    table: dict[str, Any] = {}
    for index in range(count):
        features = rng.normal(scale=0.5, size=(LENGTH, CHANNELS))
        seconds, moment, annotations = float(rng.uniform(30, 90)), int(rng.integers(1, 6)), []
        while moment < LENGTH - 4:
            end, label = min(moment + int(rng.integers(4, 14)), LENGTH - 1), int(rng.integers(len(CLASSES)))
            features[moment:end] += directions[label]
            segment = [moment / LENGTH * seconds, end / LENGTH * seconds]
            annotations.append({"segment": segment, "label": CLASSES[label]})
            moment = end + int(rng.integers(3, 12))
        table[f"{name}{index}"] = {"duration_second": seconds, "annotations": annotations}
        np.save(folder / "features" / f"{name}{index}.npy", features.astype(np.float32))
    (folder / f"{name}.json").write_text(json.dumps(table), encoding="utf-8")
    return table


def made_experiment(folder: Path) -> dict[str, Any]:
    """Tables of an experiment on such data, `train` and `val`, without model and task."""
    split = {"type": "feature-segments", "features": "features", "suffix": ".npy", "length": LENGTH, "batch_size": 8}
    return {
        "data": {
            "root": str(folder),
            "workers": 0,
            "train": {**split, "annotations": "train.json"},
            "val": {**split, "annotations": "val.json"},
        },
        "optimizer": {"type": "adamw", "lr": 3e-3, "weight_decay": 0.0},
        "metrics": {"recall": {"type": "proposal-recall"}},
    }


def uniform_area(table: dict[str, Any]) -> float:
    """AUC of proposals that do not look at the video: windows of ten lengths at ten places, by chance in order."""
    truths = [np.array([row["segment"] for row in video["annotations"]]) for video in table.values()]
    proposals = [_windows(video["duration_second"]) for video in table.values()]
    return recall_curve(truths, proposals, np.linspace(0.5, 0.95, 10).tolist(), 100).area


def uniform_map(table: dict[str, Any], classes: Sequence[str], classifier: ProposalClassifier | None = None) -> float:
    """What mAP the same windows reach.

    Args:
        table: The videos with their segments.
        classes: Names of the classes.
        classifier: Tells the class of a window, and its score is that of the class. Left out: nothing is looked at,
            each window is found once for every class, by chance in order.
    """
    metric = DetectionMap(DetectionMapConfig(), classes)
    for index, (name, video) in enumerate(table.items()):
        windows = _windows(video["duration_second"])
        segments, order = windows[:, :2], windows[:, 2]
        if classifier is None:
            segments, scores, labels = _in_every_class(segments, order, len(classes))
        else:
            seconds = video["duration_second"]
            segments, scores, labels = classifier.label(name, segments, np.ones(len(segments)), seconds)
        ref = SampleRef("", 0, index)
        found = Prediction(ref=ref, outputs={"segments": segments, "scores": scores, "labels": labels})
        truth = [row["segment"] for row in video["annotations"]]
        named = [classes.index(row["label"]) for row in video["annotations"]]
        metric.update(found, {"segments": truth, "labels": named})
    return metric.compute()["mAP"]


def _in_every_class(segments: Array, scores: Array, count: int) -> tuple[Array, Array, Array]:
    return np.tile(segments, (count, 1)), np.tile(scores, count), np.repeat(np.arange(count), len(segments))


def _windows(seconds: float) -> Array:
    lengths, places = (grid.ravel() for grid in np.meshgrid(np.linspace(0.05, 0.5, 10), np.linspace(0.0, 1.0, 10)))
    starts, order = places * (1 - lengths), np.random.default_rng(0).random(len(places))
    return np.stack([starts * seconds, (starts + lengths) * seconds, order], axis=1)
