"""The published configurations as facts, and what the recipe of each says of the same things.

`zoo.json` has one row for each configuration of the framework whose checkpoints our recipes load. `expected` and
`stated` turn a row and a recipe into the same flat form, so that a difference names itself. Learning rates were
recorded from the schedulers of that framework's engine (0.10.7), three steps an epoch: `schedules.npz`, `[epochs, 3]`
for each row.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from vidcore import load_experiment
from vidcore.config import Experiment
from vidcore.plugins import build, host

FOLDER = Path(__file__).parent
STEPS_PER_EPOCH = 3


def rows(*families: str) -> list[dict[str, Any]]:
    """Rows of some families that can be loaded as shipped."""
    table = json.loads((FOLDER / "zoo.json").read_text(encoding="utf-8"))
    return [row for row in table if row["family"] in families and "note" not in row]


def recipe_of(row: dict[str, Any]) -> str | None:
    """The recipe that carries the row's name as alias."""
    recipe = host().find_recipe(f"mmaction2:{row['name']}")
    return recipe.name if recipe else None


def learning_rates(row: dict[str, Any]) -> np.ndarray:
    """Recorded learning rates, `[epochs, STEPS_PER_EPOCH]`."""
    with np.load(FOLDER / "schedules.npz") as recorded:
        rates: np.ndarray = recorded[row["name"]]
    return rates


def planned_learning_rates(experiment: Experiment) -> np.ndarray:
    """What the recipe's schedule gives at the same steps."""
    schedule = build(experiment.schedule)
    epochs = experiment.engine.epochs
    factors = [
        schedule.factor(step, steps_per_epoch=STEPS_PER_EPOCH, total_epochs=epochs)
        for step in range(epochs * STEPS_PER_EPOCH)
    ]
    return np.array(factors).reshape(epochs, STEPS_PER_EPOCH) * experiment.optimizer.lr


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """A row's facts, flat."""
    facts: dict[str, Any] = {
        "epochs": row["train_loop"]["max_epochs"],
        "evaluate.every": row["train_loop"]["val_interval"],
        "gpus": row["gpus"],
        "num_classes": row["model"]["cls_head"]["num_classes"],
        "mean": tuple(row["data_preprocessor"]["mean"]),
        "std": tuple(row["data_preprocessor"]["std"]),
        "optimizer": row["optimizer"]["type"].lower(),
        "lr": row["optimizer"]["lr"],
        "momentum": row["optimizer"].get("momentum"),
        "weight_decay": row["optimizer"]["weight_decay"],
        "groups": row["paramwise"] or {},
        "clip_grad": (row["grad_clip"] or {}).get("max_norm"),
        "auto_scale_lr": (row["auto_scale_lr"] or {}).get("base_batch_size"),
        "initial weights": next(iter((row["pretrained"] or {}).values()), None),
        "checkpoint": {entry["checkpoint"] for entry in row["published"]},
        "merge": row["model"]["cls_head"]["average_clips"],
    }
    for split in ("train", "val", "test"):
        facts[f"{split}.batch_size"] = row["batch_size_per_gpu"][split]
        facts |= {f"{split}.{name}": value for name, value in _steps(row["sampling"][split]["steps"]).items()}
    for entry in row["published"]:
        for result in entry["results"]:
            for name, value in result["metrics"].items():
                facts[f"published.{_METRICS[name]}"] = round(value / 100, 6)
    return facts


_METRICS = {"Top 1 Accuracy": "top1", "Top 5 Accuracy": "top5"}


def _steps(steps: list[list[Any]]) -> dict[str, Any]:
    """Sampling and geometry of a recorded pipeline."""
    facts: dict[str, Any] = {"clips": 1, "crops": 1}
    geometry: list[tuple[str, Any]] = []
    for name, *rest in steps:
        arguments = rest[0] if rest else {}
        if name == "SampleFrames":
            facts |= {"num_frames": arguments["clip_len"], "frame_interval": arguments["frame_interval"]}
            facts["clips"] = arguments["num_clips"]
        elif name == "Resize" and arguments.get("keep_ratio") is False:
            geometry[-1] = (geometry[-1][0], arguments["scale"][0])  # a random box, scaled
        elif name == "Resize":
            geometry.append(("resize", arguments["scale"][1]))
        elif name == "RandomResizedCrop":
            geometry.append(("random-resized-crop", None))
        elif name == "CenterCrop":
            geometry.append(("center-crop", arguments["crop_size"]))
        elif name == "ThreeCrop":
            geometry.append(("center-crop", arguments["crop_size"]))
            facts["crops"] = 3
        elif name == "Flip":
            geometry.append(("flip", arguments["flip_ratio"]))
        elif name != "FormatShape":
            geometry.append((name, arguments))
    return facts | {"geometry": geometry}


def stated(experiment: Experiment) -> dict[str, Any]:
    """What a recipe says of the same facts."""
    optimizer, clip = experiment.optimizer, experiment.engine.clip_grad
    weights = host().weights
    initial = weights.get(experiment.model.weights or "")
    facts: dict[str, Any] = {
        "epochs": experiment.engine.epochs,
        "evaluate.every": experiment.engine.evaluate.every,
        "gpus": experiment.about.gpus,
        "num_classes": experiment.model.num_classes,
        "mean": experiment.task.mean,
        "std": experiment.task.std,
        "optimizer": _name(optimizer),
        "lr": optimizer.lr,
        "momentum": getattr(optimizer, "momentum", None),
        "weight_decay": optimizer.weight_decay,
        "groups": dict(optimizer.groups),
        "clip_grad": clip.norm if clip else None,
        "auto_scale_lr": experiment.engine.auto_scale_lr,
        "initial weights": initial.url if initial else None,
        "checkpoint": {
            entry.url
            for name, entry in weights.items()
            if entry.recipe == experiment.name and not name.endswith("-readme")
        },
        "merge": experiment.data.test.views.merge,
    }
    for split in ("train", "val", "test"):
        config = getattr(experiment.data, split)
        facts |= {
            f"{split}.batch_size": config.batch_size,
            f"{split}.num_frames": config.sampling.num_frames,
            f"{split}.frame_interval": config.sampling.frame_interval,
            f"{split}.clips": config.views.clips,
            f"{split}.crops": config.views.crops,
            f"{split}.geometry": [(_name(one), _argument(one)) for one in config.transforms.values()],
        }
    for figure in experiment.about.published:
        if "README" not in figure.source:
            facts[f"published.{figure.metric}"] = round(figure.value, 6)
    return facts


def _name(config: Any) -> str:
    return host().components.of_config(config).name


def _argument(config: Any) -> Any:
    names = ("short_side", "size", "probability")
    return next(value for name in names if (value := getattr(config, name, None)) is not None)


def load(name: str) -> Experiment:
    """The recipe as it would run, found by name."""
    return load_experiment(name)
