"""Each recipe of a network on skeletons says what the published configuration of the same name says."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import zoo

from vidcore.config import Experiment
from vidcore.plugins import host

FAMILIES = ("stgcn", "stgcnpp", "2s-agcn")
ROWS = zoo.rows(*FAMILIES)
SPLITS = ("train", "val", "test")
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])

_STREAMS = {"j": "joint", "b": "bone", "jm": "joint-motion", "bm": "bone-motion"}
_FEATURES = {"PreNormalize2D": "normalize-2d", "PreNormalize3D": "normalize-3d"}
# what the reference's options of a network are called here, where they are not the defaults
_MODES = {"stgcn_spatial": "stgcn-spatial", "spatial": "spatial"}
_EDGES = {None: "weighted", "init": "learned"}
_NORMS = {"VC": "joints", "MVC": "persons"}


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """A row's facts, flat."""
    backbone, head, optimizer = row["model"]["backbone"], row["model"]["cls_head"], row["optimizer"]
    facts: dict[str, Any] = {
        "model": {"STGCN": "stgcn", "AAGCN": "agcn"}[backbone["type"]],
        "layout": backbone["graph_cfg"]["layout"],
        "data norm": _NORMS[backbone["data_bn_type"]],
        "sizes": [backbone[name] for name in ("in_channels", "base_channels", "num_person", "num_stages")],
        "stages": [backbone["inflate_stages"], backbone["down_stages"]],
        "graph": _MODES[backbone["graph_cfg"]["mode"]],
        "num_classes": head["num_classes"],
        "dropout": head["dropout"],
        "merge": head["average_clips"],
        "epochs": row["train_loop"]["max_epochs"],
        "evaluate.every": row["train_loop"]["val_interval"],
        "gpus": row["gpus"],
        "optimizer": [optimizer[name] for name in ("lr", "momentum", "weight_decay", "nesterov")],
        "checkpoint": {entry["checkpoint"] for entry in row["published"]},
        "top1": round(row["published"][0]["results"][0]["metrics"]["Top 1 Accuracy"] / 100, 6),
    }
    if backbone["type"] == "STGCN":
        facts["edges"] = _EDGES[backbone.get("gcn_adaptive")]
        facts["residual"] = backbone.get("gcn_with_res", False)
        facts["temporal"] = "branches" if backbone.get("tcn_type") == "mstcn" else "plain"
    else:
        facts["attention"] = backbone["gcn_attention"]
    for split in SPLITS:
        facts[f"{split}.batch_size"] = row["batch_size_per_gpu"][split]
        facts[f"{split}.pipeline"] = _pipeline(row["sampling"][split]["steps"])
        facts[f"{split}.times"] = row["sampling"][split].get("repeat", 1)
        facts[f"{split}.data"] = f"{row['dataset']}_{row['modality'][-2:]}.pkl"
    return facts


def _pipeline(steps: list[list[Any]]) -> list[Any]:
    found: list[Any] = []
    for name, *rest in steps:
        arguments = rest[0] if rest else {}
        if name in _FEATURES:
            found.append(_FEATURES[name])
        elif name == "GenSkeFeat":
            found.append(("streams", arguments["dataset"], tuple(_STREAMS[feature] for feature in arguments["feats"])))
        elif name == "UniformSampleFrames":
            found.append(("uniform-draws", arguments["clip_len"], arguments.get("num_clips", 1)))
        elif name == "FormatGCNInput":
            found.append(("persons", arguments["num_person"]))
        else:
            assert name == "PoseDecode"  # indexing, which needs no word here
    return found


def stated(experiment: Experiment) -> dict[str, Any]:
    """What a recipe says of the same facts."""
    model, optimizer = experiment.model, experiment.optimizer
    entries = [entry for entry in host().weights.values() if entry.recipe == experiment.name]
    facts: dict[str, Any] = {
        "model": host().components.of_config(model).name,
        "layout": model.layout,
        "data norm": model.data_norm,
        "sizes": [model.in_channels, model.base_channels, model.persons, model.num_stages],
        "stages": [list(model.widen_at), list(model.stride_at)],
        "graph": getattr(model, "graph", "spatial"),
        "num_classes": model.num_classes,
        "dropout": model.dropout,
        "merge": experiment.data.test.views.merge,
        "epochs": experiment.engine.epochs,
        "evaluate.every": experiment.engine.evaluate.every,
        "gpus": experiment.about.gpus,
        "optimizer": [optimizer.lr, optimizer.momentum, optimizer.weight_decay, optimizer.nesterov],
        "checkpoint": {entry.url for entry in entries},
        "top1": experiment.about.published[0].value,
    }
    facts |= {name: getattr(model, name, None) for name in ("edges", "residual", "temporal", "attention")}
    for split in SPLITS:
        config = getattr(experiment.data, split)
        normalize, streams = config.transforms.values()
        facts[f"{split}.batch_size"] = config.batch_size
        facts[f"{split}.times"] = config.times
        facts[f"{split}.data"] = config.annotations
        facts[f"{split}.pipeline"] = [
            host().components.of_config(normalize).name,
            ("streams", streams.layout, streams.streams),
            ("uniform-draws", config.sampling.num_frames, config.views.clips),
            ("persons", config.persons),
        ]
    return facts


def test_there_are_rows_to_check() -> None:
    assert len(ROWS) == 32


@each_row
def test_the_recipe_says_what_the_configuration_says(row: dict[str, Any]) -> None:
    name = zoo.recipe_of(row)
    assert name, f"no recipe has the alias mmaction2:{row['name']}"
    told, wanted = stated(zoo.load(name)), expected(row)
    assert {key: told.get(key) for key in wanted} == wanted


@each_row
def test_the_learning_rate_falls_step_by_step(row: dict[str, Any]) -> None:
    (cosine,) = row["schedulers"]
    assert (cosine["type"], cosine["eta_min"], cosine["convert_to_iter_based"]) == ("CosineAnnealingLR", 0, True)
    rates = zoo.planned_learning_rates(zoo.load(str(zoo.recipe_of(row)))).reshape(-1)
    steps = cosine["T_max"] * zoo.STEPS_PER_EPOCH
    wanted = row["optimizer"]["lr"] * (1 + np.cos(np.pi * np.arange(steps) / steps)) / 2
    np.testing.assert_allclose(rates, wanted, rtol=1e-9, atol=1e-12)


@each_row
def test_the_hash_is_the_one_that_the_address_ends_with(row: dict[str, Any]) -> None:
    (entry,) = [entry for entry in host().weights.values() if entry.url in expected(row)["checkpoint"]]
    assert re.search(rf"-{entry.sha256}\.pth$", entry.url)
