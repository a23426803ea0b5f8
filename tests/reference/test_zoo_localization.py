"""Each recipe of temporal localization says what the published configuration of the same name says."""

from __future__ import annotations

import re
from typing import Any

import pytest
import zoo

from vidcore.config import Experiment
from vidcore.config.loading import read_layers
from vidcore.plugins import host

ROWS = [row for row in zoo.rows("bmn", "bsn") if row["model"]]  # one more only runs a script, see below
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
MODEL = {  # an argument of the model there -> table and option here
    "feat_dim": "model.in_channels",
    "tem_feat_dim": "model.in_channels",
    "pem_feat_dim": "model.in_channels",
    "temporal_dim": "model.length",
    "num_samples": "model.samples",
    "num_samples_per_bin": "model.samples_per_bin",
    "hidden_dim_1d": "model.width_1d",
    "hidden_dim_2d": "model.width_2d",
    "hidden_dim_3d": "model.width_3d",
    "tem_hidden_dim": "model.width",
    "pem_hidden_dim": "model.width",
    "conv1_ratio": "model.scales.0",
    "conv2_ratio": "model.scales.1",
    "conv3_ratio": "model.scales.2",
    "fc1_ratio": "model.scales.0",
    "fc2_ratio": "model.scales.1",
    "tem_match_threshold": "task.method.threshold",
    "loss_weight": "task.method.action_weight",
    "pem_u_ratio_m": "task.method.medium_share",
    "pem_u_ratio_l": "task.method.low_share",
    "pem_high_temporal_iou_threshold": "task.method.high_iou",
    "pem_low_temporal_iou_threshold": "task.method.low_iou",
    "soft_nms_alpha": "task.suppression.alpha",
    "soft_nms_low_threshold": "task.suppression.low",
    "soft_nms_high_threshold": "task.suppression.high",
    "post_process_top_k": "task.suppression.top_k",
    "feature_extraction_interval": "task.feature_interval",
}


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """A row's facts by place in a recipe. The context of BMN is a ratio of boundaries there, as is TEM's window."""
    model = {MODEL[name]: value for name, value in row["model"].items() if name in MODEL}
    context = "model.context" if row["model"]["type"] == "BMN" else "task.method.boundary_ratio"
    if "boundary_ratio" in row["model"]:
        model[context] = row["model"]["boundary_ratio"]
    facts = model | {
        "engine.epochs": row["train_loop"]["max_epochs"],
        "engine.evaluate.every": row["train_loop"]["val_interval"],
        "engine.clip_grad.norm": row["grad_clip"]["max_norm"],
        "optimizer.lr": row["optimizer"]["lr"],
        "optimizer.weight_decay": row["optimizer"]["weight_decay"],
        "schedule.milestones": tuple(row["schedulers"][0]["milestones"]),
        "schedule.gamma": row["schedulers"][0]["gamma"],
        "about.gpus": row["gpus"],
    }
    for split in ("train", "val", "test"):
        facts[f"data.{split}.batch_size"] = row["batch_size_per_gpu"][split]
        for name, *rest in row["sampling"][split]["steps"]:
            if name == "LoadProposals":
                facts[f"data.{split}.top_k"] = rest[0]["top_k"]
    return facts


def stated(experiment: Experiment, place: str) -> Any:
    found: Any = experiment
    for name in place.split("."):
        found = found[int(name)] if name.isdigit() else getattr(found, name)
    return found


@each_row
def test_the_recipe_says_what_the_configuration_says(row: dict[str, Any]) -> None:
    name = zoo.recipe_of(row)
    assert name, f"no recipe has the alias mmaction2:{row['name']}"
    experiment, facts = zoo.load(name), expected(row)
    assert {place: stated(experiment, place) for place in facts} == facts
    assert type(experiment.optimizer).__name__ == row["optimizer"]["type"]
    assert unused(row) == set()


def unused(row: dict[str, Any]) -> set[str]:
    """Arguments of the model that no option stands for; the outputs of a family are fixed."""
    return row["model"].keys() - MODEL.keys() - {"type", "boundary_ratio", "output_dim"}


@each_row
def test_published_figures_and_weights_are_there(row: dict[str, Any]) -> None:
    name = str(zoo.recipe_of(row))
    metrics = row["published"][0]["results"][0]["metrics"]
    figures = {figure.metric: figure.value for figure in zoo.load(name).about.published}
    if row["model"]["type"] != "TEM":  # its outputs are not proposals yet
        assert figures == {metric: pytest.approx(value / 100) for metric, value in metrics.items()}
    (entry,) = (entry for entry in host().weights.values() if entry.recipe == name)
    checkpoints = row["published"][0]["checkpoint"]
    assert entry.url in ([checkpoints] if isinstance(checkpoints, str) else checkpoints)
    assert re.search(rf"-{entry.sha256[:8]}\.pth$", entry.url)


def test_the_script_between_both_networks_is_a_stage_of_the_whole_recipe() -> None:
    (row,) = (row for row in zoo.rows("bsn") if not row["model"])
    whole = read_layers(str(zoo.recipe_of(row))).table
    assert whole["stage"]["candidates"] == {
        "type": "proposals",
        "predictions": ["stage:curves/train", "stage:curves/val"],
    }
    figures = {one["metric"]: one["value"] for one in whole["about"]["published"]}
    metrics = row["published"][0]["results"][0]["metrics"]
    assert figures == {metric: pytest.approx(value / 100) for metric, value in metrics.items()}
