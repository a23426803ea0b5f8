"""Each recipe of heatmaps says what the published configuration of the same name says."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import zoo

from vidcore.config import Experiment
from vidcore.plugins import host
from vidcore_skeleton.layouts import LAYOUTS

ROWS = zoo.rows("posec3d")
SPLITS = ("train", "val", "test")
DATA = {"ntu60": "ntu60_2d.pkl", "gym": "gym_2d.pkl", "hmdb51": "hmdb51_2d.pkl", "ucf101": "ucf101_2d.pkl"}
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
_INFLATION = {0: "1x1x1", 1: "3x1x1"}
_METRICS = {"Top 1 Accuracy": "top1", "mean Top 1 Accuracy": "mean_class_accuracy"}
_SIDES = {"left_kp": list(LAYOUTS["coco"].left), "right_kp": list(LAYOUTS["coco"].right)}


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """A row's facts, flat."""
    backbone, head, optimizer = row["model"]["backbone"], row["model"]["cls_head"], row["optimizer"]
    ((metric, value),) = row["published"][0]["results"][0]["metrics"].items()
    facts: dict[str, Any] = {
        "sizes": [backbone[name] for name in ("depth", "in_channels", "base_channels")],
        "stages": [
            tuple(backbone[name])
            for name in ("stage_blocks", "spatial_strides", "temporal_strides", "dilations", "conv1_kernel")
        ],
        "inflation": tuple(_INFLATION[inflate] for inflate in backbone["inflate"]),
        "stem": [backbone[name] for name in ("conv1_stride_t", "conv1_stride_s", "pool1_stride_t", "pool1_stride_s")],
        "head": [head[name] for name in ("num_classes", "dropout_ratio", "average_clips", "init_std")],
        "epochs": row["train_loop"]["max_epochs"],
        "evaluate.every": row["train_loop"]["val_interval"],
        "gpus": row["gpus"],
        "optimizer": [optimizer[name] for name in ("type", "lr", "momentum", "weight_decay")],
        "clip_grad": row["grad_clip"]["max_norm"],
        "initial weights": row["load_from"],
        "checkpoint": {entry["checkpoint"] for entry in row["published"]},
        "published": {_METRICS[metric]: round(value / 100, 6)},
    }
    for split in SPLITS:
        facts[f"{split}.batch_size"] = row["batch_size_per_gpu"][split]
        facts[f"{split}.data"] = DATA[row["dataset"]]
        facts[f"{split}.times"] = row["sampling"][split].get("repeat", 1)
        facts |= {f"{split}.{name}": value for name, value in _pipeline(row["sampling"][split]["steps"]).items()}
    return facts


def _pipeline(steps: list[list[Any]]) -> dict[str, Any]:
    facts: dict[str, Any] = {"clips": 1, "mirrored": False}
    geometry: list[tuple[str, Any]] = []
    for name, *rest in steps:
        arguments = rest[0] if rest else {}
        if name == "UniformSampleFrames":
            facts |= {"num_frames": arguments["clip_len"], "clips": arguments.get("num_clips", 1)}
        elif name == "PoseCompact":
            geometry.append(("compact", (arguments["hw_ratio"], not arguments["allow_imgpad"])))
        elif name == "Resize" and arguments.get("keep_ratio") is False:
            geometry[-1] = (geometry[-1][0], (*geometry[-1][1], arguments["scale"][0]))  # a random box, scaled
        elif name == "Resize":
            geometry.append(("resize", arguments["scale"][1]))
        elif name == "RandomResizedCrop":
            geometry.append(("random-resized-crop", tuple(arguments["area_range"])))
        elif name == "CenterCrop":
            geometry.append(("center-crop", arguments["crop_size"]))
        elif name == "Flip":
            assert {side: arguments[side] for side in _SIDES} == _SIDES
            geometry.append(("mirror", arguments["flip_ratio"]))
        elif name == "GeneratePoseTarget":
            facts["mirrored"] = arguments.get("double", False)
            limbs = arguments.get("skeletons", []) if arguments["with_limb"] else []
            facts["maps"] = [arguments["sigma"], arguments["use_score"], arguments["with_kp"], limbs]
        else:
            assert name in ("PoseDecode", "FormatShape")  # indexing, and the one layout
    return facts | {"geometry": geometry}


def stated(experiment: Experiment) -> dict[str, Any]:
    """What a recipe says of the same facts."""
    model, network, optimizer = experiment.model, experiment.model.network, experiment.optimizer
    weights, maps = host().weights, experiment.task.heatmaps
    initial = weights.get(model.weights or "")
    facts: dict[str, Any] = {
        "sizes": [network.depth, network.in_channels, network.base_channels],
        "stages": [
            network.stage_blocks,
            network.spatial_strides,
            network.temporal_strides,
            network.dilations,
            network.stem_kernel,
        ],
        "inflation": network.inflation,
        "stem": [*network.stem_stride[:2], *network.stem_pool_stride[:2]],
        "head": [model.num_classes, network.dropout, experiment.data.test.views.merge, network.init_std],
        "epochs": experiment.engine.epochs,
        "evaluate.every": experiment.engine.evaluate.every,
        "gpus": experiment.about.gpus,
        "optimizer": ["SGD", optimizer.lr, optimizer.momentum, optimizer.weight_decay],
        "clip_grad": experiment.engine.clip_grad.norm,
        "initial weights": initial.url if initial else None,
        "checkpoint": {entry.url for entry in weights.values() if entry.recipe == experiment.name},
        "published": {figure.metric: round(figure.value, 6) for figure in experiment.about.published},
    }
    for split in SPLITS:
        config = getattr(experiment.data, split)
        steps = [(host().components.of_config(one).name, one) for one in config.transforms.values()]
        facts |= {
            f"{split}.batch_size": config.batch_size,
            f"{split}.data": config.annotations,
            f"{split}.times": config.times,
            f"{split}.num_frames": config.sampling.num_frames,
            f"{split}.clips": config.views.clips,
            f"{split}.mirrored": steps[-1][0] == "mirrored-views",
            f"{split}.maps": [maps.sigma, maps.scores, maps.points, [list(limb) for limb in maps.pairs()]],
            f"{split}.geometry": [(name, _argument(name, one)) for name, one in steps if name != "mirrored-views"],
        }
    return facts


def _argument(name: str, config: Any) -> Any:
    if name == "compact":
        assert config.aspect[0] == config.aspect[1]
        return config.aspect[0], config.inside
    if name == "random-resized-crop":
        return *config.area, config.size
    if name == "mirror":
        return config.probability
    return config.short_side if name == "resize" else config.size


def test_there_are_rows_to_check() -> None:
    assert len(ROWS) == 6


@each_row
def test_the_recipe_says_what_the_configuration_says(row: dict[str, Any]) -> None:
    name = zoo.recipe_of(row)
    assert name, f"no recipe has the alias mmaction2:{row['name']}"
    told, wanted = stated(zoo.load(name)), expected(row)
    assert {key: told.get(key) for key in wanted} == wanted


@each_row
def test_the_learning_rate_is_the_same_at_every_step(row: dict[str, Any]) -> None:
    rates = zoo.planned_learning_rates(zoo.load(str(zoo.recipe_of(row))))
    (schedule,), lr = row["schedulers"], row["optimizer"]["lr"]
    if schedule["type"] == "CosineAnnealingLR":
        assert (schedule["eta_min"], schedule["convert_to_iter_based"]) == (0, True)
        steps = schedule["T_max"] * zoo.STEPS_PER_EPOCH
        wanted = (lr * (1 + np.cos(np.pi * np.arange(steps) / steps)) / 2).reshape(rates.shape)
    else:
        epochs = np.arange(schedule["end"])[:, None]
        passed = sum((epochs >= milestone).astype(int) for milestone in schedule["milestones"])
        wanted = np.broadcast_to(lr * schedule["gamma"] ** passed, rates.shape)
    np.testing.assert_allclose(rates, wanted, rtol=1e-9, atol=1e-12)


@each_row
def test_the_hash_is_the_one_that_the_address_ends_with(row: dict[str, Any]) -> None:
    addresses = expected(row)["checkpoint"] | ({row["load_from"]} - {None})
    entries = [entry for entry in host().weights.values() if entry.url in addresses]
    assert len(entries) == len(addresses)
    assert all(re.search(rf"-{entry.sha256}\.pth$", entry.url) for entry in entries)
