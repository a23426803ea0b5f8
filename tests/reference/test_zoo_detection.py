"""Each recipe of AVA says what the published configuration of the same name says.

Learning rates are worked out here from the recorded scheduler options, by the formulas of that framework's engine.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import zoo

from vidcore.config import Experiment
from vidcore.plugins import host
from vidcore_ava.commands import ava

WRITES_A_BANK = "slowonly-lfb_ava-pretrained-r50_infer-4x16x1_ava21-rgb"  # for `vidcore ava bank`; never trained
ROWS = [row for row in zoo.rows("ava", "ava_kinetics", "acrn", "lfb") if row["name"] != WRITES_A_BANK]
FUSIONS = {None: None, "actor-relation": "ACRNHead", "feature-bank": "FBOHead"}
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])


def test_there_are_rows_to_check() -> None:
    assert len(ROWS) == 24


@each_row
def test_the_recipe_says_what_the_configuration_says(row: dict[str, Any]) -> None:
    name = zoo.recipe_of(row)
    assert name, f"no recipe has the alias mmaction2:{row['name']}"
    assert stated(zoo.load(name)) == expected(row)


def test_the_detector_that_writes_a_bank_is_the_published_one() -> None:
    (row,) = (row for row in zoo.rows("lfb") if row["name"] == WRITES_A_BANK)
    name = str(zoo.recipe_of(row))
    experiment, twin = zoo.load(name), zoo.load("slowonly-r50-4x16-ava21")
    assert stated_backbone(experiment.model) == backbone_of(row["model"]["backbone"])
    steps = dict(row["sampling"]["test"]["steps"])
    sampling = experiment.data.val.sampling
    assert (sampling.num_frames, sampling.frame_interval) == (
        steps["SampleAVAFrames"]["clip_len"],
        steps["SampleAVAFrames"]["frame_interval"],
    )
    assert (experiment.data.val.transforms["resize"].short_side, experiment.data.val.batch_size) == (256, 1)
    assert experiment.data.val.annotations.endswith("ava_val_v2.1.csv")
    assert experiment.model == twin.model  # so its weights fit
    assert row["model"]["roi_head"]["shared_head"]["use_half_precision"]
    half = next(option for option in ava.commands["bank"].params if option.name == "half")
    assert half.default is True


@each_row
def test_the_learning_rate_is_the_same_at_every_step(row: dict[str, Any]) -> None:
    planned = zoo.planned_learning_rates(zoo.load(str(zoo.recipe_of(row))))
    np.testing.assert_allclose(planned, learning_rates(row), rtol=1e-9, atol=1e-12)


@each_row
def test_the_hash_is_the_one_that_the_address_ends_with(row: dict[str, Any]) -> None:
    for address in (checkpoint(row), start(row)):
        entries = [entry for entry in host().weights.values() if entry.url == address]
        assert entries
        assert all(re.search(rf"-{entry.sha256[:8]}\.pth$", address) for entry in entries)


def checkpoint(row: dict[str, Any]) -> str:
    """Of the metafile; the README's where there is none."""
    address: str = row["published"][0]["checkpoint"] if row["published"] else row["readme_rows"][0]["ckpt"]
    return address


def start(row: dict[str, Any]) -> str:
    """What the backbone starts from: its own option counts where both are given."""
    given = row["pretrained"]
    address: str = given.get("backbone.pretrained") or given["init_cfg.checkpoint"]
    return address


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """A row's facts, flat."""
    model, head = row["model"], row["model"]["roi_head"]
    pooling, last = head["bbox_roi_extractor"], head["bbox_head"]
    rcnn = row["model_train_cfg"]["rcnn"]
    edition = re.search(r"_v(\d\.\d)\.csv", row["evaluator"]["val"]["ann_file"])
    assert edition
    facts: dict[str, Any] = {
        "epochs": row["train_loop"]["max_epochs"],
        "evaluate.every": row["train_loop"]["val_interval"],
        "gpus": row["gpus"],
        "outputs": last["num_classes"],
        "multi_label": last["multilabel"],
        "focal": (last["focal_alpha"], last["focal_gamma"]),
        "top_k": tuple(last["topk"]),
        "dropout": last["dropout_ratio"],
        "hidden_layer": last["mlp_head"],
        "spatial_pool": last["spatial_pool_type"],
        "temporal_pool": pooling["temporal_pool_mode"],
        "context": pooling["with_global"],
        "fusion": (head["shared_head"] or {}).get("type"),
        "relation": (head["shared_head"] or {}).get("num_convs"),
        "output_size": pooling["output_size"],
        "sampling_ratio": pooling["sampling_ratio"],
        "backbone": backbone_of(model["backbone"]),
        "positive_iou": (rcnn["assigner"]["pos_iou_thr"], rcnn["assigner"]["neg_iou_thr"]),
        "smallest_positive_iou": rcnn["assigner"]["min_pos_iou"],
        "regions": (rcnn["sampler"]["num"], rcnn["sampler"]["add_gt_as_proposals"]),
        "mean": tuple(row["data_preprocessor"]["mean"]),
        "std": tuple(row["data_preprocessor"]["std"]),
        "optimizer": (row["optimizer"]["type"].lower(), row["optimizer"]["lr"], row["optimizer"]["momentum"]),
        "weight_decay": row["optimizer"]["weight_decay"],
        "clip_grad": row["grad_clip"]["max_norm"],
        "start": start(row),
        "checkpoint": {checkpoint(row)},
        "edition": edition[1],
        "frame_map": {round(float(one["mAP"]) / 100, 6) for one in row["readme_rows"]}
        | {round(one["results"][0]["metrics"]["mAP"] / 100, 6) for one in row["published"] or ()},
    }
    if fusion := (head["shared_head"] or {}).get("fbo_cfg"):
        facts["bank"] = fusion["type"].replace("_", "-")
        given = head["shared_head"]["lfb_cfg"]
        facts["around"] = {(given["window_size"], given["max_num_sampled_feat"])}
    if fusion and fusion["type"] == "non_local":
        names = ("latent_channels", "num_non_local_layers", "st_feat_dropout_ratio", "lt_feat_dropout_ratio")
        facts["attention"] = tuple(fusion[name] for name in names)
    for split in ("train", "val"):
        steps = dict((name, *rest) for name, *rest in row["sampling"][split]["steps"])
        facts[f"{split}.batch_size"] = row["batch_size_per_gpu"][split]
        facts[f"{split}.frames"] = tuple(steps["SampleAVAFrames"][key] for key in ("clip_len", "frame_interval"))
    train, val = ({name for name, *_ in row["sampling"][split]["steps"]} for split in ("train", "val"))
    assert (len(train), len(val)) == (5, 3)
    facts["resize"] = (tuple(steps_of(row, "train", "RandomRescale")["scale_range"]), 256)
    facts["crop, flip"] = (steps_of(row, "train", "RandomCrop")["size"], steps_of(row, "train", "Flip")["flip_ratio"])
    return facts


def steps_of(row: dict[str, Any], split: str, name: str) -> dict[str, Any]:
    return next(rest[0] for step, *rest in row["sampling"][split]["steps"] if step == name)


def backbone_of(recorded: dict[str, Any]) -> dict[str, Any]:
    if recorded["type"] == "ResNet3dSlowFast":
        slow, fast = recorded["slow_pathway"], recorded["fast_pathway"]
        return {
            "kind": "slowfast",
            "depth": (slow["depth"], fast["depth"]),
            "speed": (recorded["resample_rate"], recorded["speed_ratio"], recorded["channel_ratio"]),
            "kernel": slow["fusion_kernel"],
            "strides": tuple(slow["spatial_strides"]),
        }
    blocks = [block if isinstance(block, list) else [] for block in recorded["non_local"]]
    return {
        "kind": "slowonly",
        "depth": recorded["depth"],
        "strides": tuple(recorded["spatial_strides"]),
        "non_local": tuple(tuple(i for i, there in enumerate(block) if there) for block in blocks),
    }


def stated(experiment: Experiment) -> dict[str, Any]:
    """What a recipe says of the same facts."""
    task, model, train, val = experiment.task, experiment.model, experiment.data.train, experiment.data.val
    assert train and val and experiment.engine.clip_grad
    matching, weights = task.matching, host().weights
    facts: dict[str, Any] = {
        "epochs": experiment.engine.epochs,
        "evaluate.every": experiment.engine.evaluate.every,
        "gpus": experiment.about.gpus,
        "outputs": model.num_classes + model.spare_output,
        "multi_label": task.multi_label,
        "focal": (task.focal.alpha, task.focal.gamma),
        "top_k": task.top_k,
        "dropout": model.dropout,
        "hidden_layer": model.hidden_layer,
        "spatial_pool": model.spatial_pool,
        "temporal_pool": model.temporal_pool,
        "context": model.context,
        "fusion": FUSIONS[model.fusion and host().components.of_config(model.fusion).name],
        "relation": getattr(model.fusion, "convolutions", None),
        "output_size": model.output_size,
        "sampling_ratio": model.sampling_ratio,
        "backbone": stated_backbone(model),
        "positive_iou": (matching.positive_iou, matching.negative_iou),
        "smallest_positive_iou": matching.smallest_positive_iou,
        "regions": (matching.regions, matching.add_truth),
        "mean": task.mean,
        "std": task.std,
        "optimizer": ("sgd", experiment.optimizer.lr, experiment.optimizer.momentum),
        "weight_decay": experiment.optimizer.weight_decay,
        "clip_grad": experiment.engine.clip_grad.norm,
        "start": weights[model.backbone.weights].url,
        "checkpoint": {entry.url for entry in weights.values() if entry.recipe == experiment.name},
        "edition": re.findall(r"_v(\d\.\d)\.csv", val.annotations)[0],
        "frame_map": {round(figure.value, 6) for figure in experiment.about.published},
        "resize": (train.transforms["resize"].short_side, val.transforms["resize"].short_side),
        "crop, flip": (train.transforms["crop"].size, train.transforms["flip"].probability),
    }
    if facts["fusion"] == "FBOHead":
        fusion = model.fusion
        facts["bank"] = fusion.operator
        facts["around"] = {(split.bank_window, split.bank_features) for split in (train, val)}
        if fusion.operator == "non-local":
            options = (fusion.latent_channels, fusion.layers, fusion.short_dropout, fusion.long_dropout)
            facts["attention"] = options
    for split, config in (("train", train), ("val", val)):
        facts[f"{split}.batch_size"] = config.batch_size
        facts[f"{split}.frames"] = (config.sampling.num_frames, config.sampling.frame_interval)
    return facts


def stated_backbone(model: Any) -> dict[str, Any]:
    backbone, kind = model.backbone, host().components.of_config(model.backbone).name
    if kind == "slowfast":
        assert model.maps == 2
        rate = backbone.fast_interval * backbone.speed_ratio
        return {
            "kind": kind,
            "depth": (backbone.depth, backbone.fast_depth or backbone.depth),
            "speed": (rate, backbone.speed_ratio, backbone.channel_ratio),
            "kernel": backbone.fusion_kernel,
            "strides": backbone.spatial_strides,
        }
    assert model.maps == 1
    blocks = backbone.non_local.blocks or ((),) * 4
    return {"kind": kind, "depth": backbone.depth, "strides": backbone.spatial_strides, "non_local": blocks}


def learning_rates(row: dict[str, Any]) -> np.ndarray:
    """Linear warm-up times steps or a cosine, each counted in epochs or in iterations, `[epochs, STEPS_PER_EPOCH]`."""
    epochs, per = row["train_loop"]["max_epochs"], zoo.STEPS_PER_EPOCH
    warmup, decay = row["schedulers"]
    rates = []
    for step in range(epochs * per):
        epoch = step // per
        count, last = (step, warmup["end"] * per - 1) if _by_step(warmup) else (epoch, warmup["end"] - 1)
        factor = warmup["start_factor"] + (1 - warmup["start_factor"]) * min(count / last, 1.0)
        if decay["type"] == "MultiStepLR":
            factor *= decay["gamma"] ** sum(epoch >= milestone for milestone in decay["milestones"])
        else:
            assert _by_step(decay)
            done = min(max(step - decay["begin"] * per, 0) / (decay["T_max"] * per), 1.0)
            factor *= (1 + math.cos(math.pi * done)) / 2
        rates.append(row["optimizer"]["lr"] * factor)
    return np.array(rates).reshape(epochs, per)


def _by_step(scheduler: dict[str, Any]) -> bool:
    return bool(scheduler.get("convert_to_iter_based"))
