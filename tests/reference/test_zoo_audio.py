"""Each audio recipe says what the published configuration of the same name says."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import zoo

from vidcore.plugins import host

ROWS = [row for row in json.loads((zoo.FOLDER / "zoo.json").read_text(encoding="utf-8")) if row["task"] == "audio"]
MODELS = {"ResNet": "audio-tsn", "ResNetAudio": "audio-resnet"}
DATASETS = {"LoadAudioFeature": "audio-features", "AudioDecodeInit": "audio-list"}
LENGTHS = {"LoadAudioFeature": 128, "AudioDecodeInit": 32_000}  # defaults of the recorded steps
MEL = {"window": 32.0, "step": 16.0, "bands": 80, "layout": "mel-first", "length": 128, "scale": "power"}
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])


def test_there_are_rows_to_check() -> None:
    assert len(ROWS) == 3


@each_row
def test_the_recipe_says_what_the_configuration_says(row: dict[str, Any]) -> None:
    name = zoo.recipe_of(row)
    assert name, f"no recipe has the alias mmaction2:{row['name']}"
    assert stated(name) == expected(row)


@each_row
def test_the_learning_rate_is_half_a_cosine_by_epoch(row: dict[str, Any]) -> None:
    (schedule,) = row["schedulers"]
    assert (schedule["type"], schedule["eta_min"], schedule["by_epoch"]) == ("CosineAnnealingLR", 0, True)
    planned = zoo.planned_learning_rates(zoo.load(str(zoo.recipe_of(row))))
    wanted = [row["optimizer"]["lr"] * (1 + math.cos(math.pi * epoch / schedule["T_max"])) / 2 for epoch in range(100)]
    assert planned[:, 0].tolist() == pytest.approx(wanted, abs=1e-12)
    assert (planned == planned[:, :1]).all()


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """A row's facts, flat."""
    backbone, head = row["model"]["backbone"], row["model"]["cls_head"]
    facts: dict[str, Any] = {
        "epochs": row["train_loop"]["max_epochs"],
        "evaluate.every": row["train_loop"]["val_interval"],
        "gpus": row["gpus"],
        "model": MODELS[backbone["type"]],
        "depth": backbone["depth"],
        "base_channels": backbone.get("base_channels", 64),
        "num_classes": head["num_classes"],
        "dropout": head["dropout_ratio"],
        "init_std": head["init_std"],
        "zero_init_residual": backbone.get("zero_init_residual", False),
        "lr": row["optimizer"]["lr"],
        "momentum": row["optimizer"]["momentum"],
        "weight_decay": row["optimizer"]["weight_decay"],
        "clip_grad": row["grad_clip"]["max_norm"],
        "checkpoint": {entry["checkpoint"] for entry in row["published"] or []},
        "published": {
            name: round(value / 100, 6)
            for entry in row["published"] or []
            for name, value in entry["results"][0]["metrics"].items()
        },
        "merge": head["average_clips"],
    }
    if backbone["type"] == "ResNetAudio":
        facts["stem"] = (backbone["conv1_kernel"], backbone["conv1_stride"])
        facts["stages"] = (backbone["strides"], backbone["dilations"], list(map(bool, backbone["factorize"])))
    for split in ("train", "val", "test"):
        steps = {step[0]: step[1] if len(step) > 1 else {} for step in row["sampling"][split]["steps"]}
        first = next(iter(steps))
        facts |= {
            f"{split}.type": DATASETS[first],
            f"{split}.length": LENGTHS[first],
            f"{split}.batch_size": row["batch_size_per_gpu"][split],
            f"{split}.num_frames": steps["SampleFrames"]["clip_len"],
            f"{split}.frame_interval": steps["SampleFrames"]["frame_interval"],
            f"{split}.clips": steps["SampleFrames"]["num_clips"],
            f"{split}.amplify": steps.get("AudioAmplify", {}).get("ratio"),
            f"{split}.mel": MEL if "MelSpectrogram" in steps else None,
        }
    return facts


def stated(name: str) -> dict[str, Any]:
    """What a recipe says of the same facts."""
    experiment = zoo.load(name)
    model, optimizer = experiment.model, experiment.optimizer
    names = {"top1": "Top 1 Accuracy", "top5": "Top 5 Accuracy"}
    facts: dict[str, Any] = {
        "epochs": experiment.engine.epochs,
        "evaluate.every": experiment.engine.evaluate.every,
        "gpus": experiment.about.gpus,
        "model": host().components.of_config(model).name,
        "depth": model.depth,
        "base_channels": model.base_channels,
        "num_classes": model.num_classes,
        "dropout": model.dropout,
        "init_std": model.init_std,
        "zero_init_residual": model.zero_init_residual,
        "lr": optimizer.lr,
        "momentum": optimizer.momentum,
        "weight_decay": optimizer.weight_decay,
        "clip_grad": experiment.engine.clip_grad.norm if experiment.engine.clip_grad else None,
        "checkpoint": {entry.url for entry in host().weights.values() if entry.recipe == name},
        "published": {names[figure.metric]: figure.value for figure in experiment.about.published},
        "merge": experiment.data.test.views.merge,
    }
    if facts["model"] == "audio-resnet":
        facts["stem"] = (model.stem_kernel, model.stem_stride)
        facts["stages"] = (list(model.strides), list(model.dilations), list(model.factorize))
    for split in ("train", "val", "test"):
        config = getattr(experiment.data, split)
        louder, mel = (config.transforms.get(one) for one in ("louder", "mel"))
        facts |= {
            f"{split}.type": host().components.of_config(config).name,
            f"{split}.length": config.length,
            f"{split}.batch_size": config.batch_size,
            f"{split}.num_frames": config.sampling.num_frames,
            f"{split}.frame_interval": config.sampling.frame_interval,
            f"{split}.clips": config.views.clips,
            f"{split}.amplify": louder.ratio if louder else None,
            f"{split}.mel": {key: getattr(mel, key) for key in MEL} if mel else None,
        }
    return facts
