"""From a file of poses to measured predictions of several streams."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

import vidcore
from vidcore import load_experiment
from vidcore.engine.predictions import read_predictions

EXPERIMENT = """
task = "recognition"
engine = {epochs = 3, device = "cpu", checkpoint = {every = 3}}
optimizer = {type = "sgd", lr = 0.05, momentum = 0.9}
metrics = {accuracy = {type = "accuracy", top_k = [1]}}

[model]
type = "stgcn"
layout = "coco"
base_channels = 16
num_stages = 3
widen_at = [2]
stride_at = [3]

[data]
workers = 0
"""
SPLIT = """
[data.SPLIT]
type = "skeleton-pickle"
annotations = "poses.pkl"
split = "SPLIT"
classes = ["still", "jump"]
batch_size = 8
sampling = {type = "uniform-draws", num_frames = 16}
transforms = {normalize = {type = "normalize-2d"}, streams = {type = "streams", streams = ["joint-motion"]}}
"""


def made_poses(folder: Path) -> None:
    """People who stand still, and people who jump up and down."""
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for index in range(48):
        joints = np.repeat(rng.uniform(20, 80, (1, 1, 17, 2)), 24, axis=1)
        if label := index % 2:
            joints[..., 1] += 20 * (-1.0) ** np.arange(24)[:, None]
        scores = np.ones((1, 24, 17), np.float32)
        row = {"frame_dir": f"p{index}", "label": label, "total_frames": 24, "img_shape": (100, 100)}
        rows.append(row | {"keypoint": joints.astype(np.float32), "keypoint_score": scores})
    names = [row["frame_dir"] for row in rows]
    content = {"split": {"train": names[:32], "val": names[32:]}, "annotations": rows}
    (folder / "poses.pkl").write_bytes(pickle.dumps(content))


def test_motion_is_learned_and_written_as_predictions(tmp_path: Path) -> None:
    made_poses(tmp_path)
    file = tmp_path / "jump.toml"
    file.write_text(EXPERIMENT + SPLIT.replace("SPLIT", "train") + SPLIT.replace("SPLIT", "val"))
    experiment = load_experiment(file, {"data.val.views.clips": 2, "data.train.times": 3})
    vidcore.run(experiment, runs=tmp_path / "runs")
    path = tmp_path / "runs" / "jump" / "predictions" / "val.jsonl"
    predictions = read_predictions(path)
    assert (len(predictions.samples), predictions.classes) == (16, ("still", "jump"))
    right = [int(p.outputs["scores"].argmax()) == target["label"] for p, target in predictions.samples]
    assert np.mean(right) >= 0.9
