"""Both networks one after the other, by the commands that people use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from vidcore.cli.main import cli
from vidcore.config import dumps
from vidcore_localization.testing import CHANNELS, LENGTH, made_experiment, uniform_area, write_made_features

QUICK = {"epochs": 12, "evaluate": {"every": 12}, "checkpoint": {"every": 12}}


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def test_curves_become_candidates_and_candidates_proposals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    write_made_features(data, "train", count=48, seed=0)
    truth = write_made_features(data, "val", count=16, seed=1)
    tem: dict[str, Any] = made_experiment(data) | {
        "task": {"type": "localization", "method": "boundary-probability"},
        "model": {"type": "tem", "in_channels": CHANNELS, "length": LENGTH, "width": 32, "scales": [1.0, 1.0, 0.1]},
        "engine": QUICK,
    }
    del tem["metrics"]
    Path("tem.toml").write_text(dumps(tem))
    run("run", "tem.toml")
    for split in ("train", "val"):
        run("test", "--run", "runs/tem", "--split", split, "--dump", f"{split}.jsonl")
    assert "candidates of 64 videos" in run("data", "proposals", "train.jsonl", "val.jsonl", "--out", str(data))

    pem: dict[str, Any] = made_experiment(data) | {
        "task": {"type": "localization", "method": "proposal-evaluation"},
        "model": {"type": "pem", "width": 32},
        "engine": QUICK,
    }
    for split in ("train", "val"):
        table = {"type": "candidate-features", "annotations": f"{split}.json", "batch_size": 4}
        pem["data"][split] = table | ({"views": {"max_per_forward": 4096}} if split == "val" else {})
    Path("pem.toml").write_text(dumps(pem))
    run("run", "pem.toml")
    lines = run("test", "--run", "runs/pem").splitlines()
    area = float(next(line for line in lines if line.startswith("AUC")).split()[1])
    assert uniform_area(truth) < 0.62  # windows of all lengths at all places
    assert area > 0.75


def test_both_networks_in_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_made_features(tmp_path / "data", "train", count=12, seed=0)
    write_made_features(tmp_path / "data", "val", count=4, seed=1)
    found = {"proposals": "stage:candidates/proposals", "features": "stage:candidates/features"}
    quick = {"engine": {"epochs": 2, "evaluate": {"every": 2}}}
    made = made_experiment(tmp_path / "data")
    tem = made | quick | {"task": {"type": "localization", "method": "boundary-probability"}, "metrics": {}}
    tem["model"] = {"type": "tem", "in_channels": CHANNELS, "length": LENGTH, "width": 8, "scales": [1.0, 1.0, 0.1]}
    pem = made | quick | {"task": {"type": "localization", "method": "proposal-evaluation"}}
    pem["model"] = {"type": "pem", "width": 8}
    pem["data"] = made["data"] | {
        split: {"type": "candidate-features", "annotations": f"{split}.json", "batch_size": 4} | found
        for split in ("train", "val")
    }
    stages = {
        "pem": pem,
        "candidates": {"type": "proposals", "predictions": ["stage:curves/train", "stage:curves/val"]},
        "curves": {"type": "predict", "run": "stage:tem", "splits": ["train", "val"]},
        "tem": tem,
    }
    Path("bsn.toml").write_text(dumps({"stage": stages}))
    said = run("run", "bsn.toml")
    assert "candidates of 12 videos" in said
    assert (tmp_path / "runs/bsn/stages/pem/result.json").exists()
    assert (tmp_path / "runs/bsn/stages/candidates/pgm_features/val0.npy").exists()


def test_predictions_without_curves_are_told(tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text(
        '{"format": "vidcore-predictions", "version": 1, "split": "val", "task": {}, "classes": []}\n'
        '{"ref": {"source": "", "epoch": 0, "index": 0, "repeat": 0}, "outputs": {}, "meta": {}, "target": {}}\n'
    )
    result = CliRunner().invoke(cli, ["data", "proposals", str(path)])
    assert result.exit_code != 0
    assert "has no curves" in f"{result.output}{result.exception}"
