"""From features to measured proposals, by the commands that people use."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from vidcore.cli.main import cli
from vidcore.config import dumps
from vidcore.engine.predictions import read_predictions
from vidcore_localization.testing import CHANNELS, LENGTH, made_experiment, uniform_area, write_made_features

MODEL = {"type": "bmn", "in_channels": CHANNELS, "length": LENGTH, "samples": 8, "width_1d": 32, "width_2d": 16}


def test_trained_proposals_are_far_better_than_uniform_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_made_features(tmp_path / "data", "train", count=48, seed=0)
    truth = write_made_features(tmp_path / "data", "val", count=16, seed=1)
    task = {"type": "localization", "method": {"type": "boundary-matching"}}
    tables = {"task": task, "model": {**MODEL, "width_3d": 32}, "engine": {"epochs": 8}}
    Path("bmn.toml").write_text(dumps({**made_experiment(tmp_path / "data"), **tables}))
    trained = CliRunner().invoke(cli, ["run", "bmn.toml"])
    assert trained.exit_code == 0, trained.output
    tested = CliRunner().invoke(cli, ["test", "--run", "runs/bmn", "--dump", "found.jsonl"])
    assert tested.exit_code == 0, tested.output
    area = float(next(line for line in tested.output.splitlines() if line.startswith("AUC")).split()[1])
    assert uniform_area(truth) < 0.62  # windows of all lengths at all places
    assert area > 0.8
    samples = read_predictions(Path("found.jsonl")).samples
    assert [prediction.meta["video"] for prediction, _ in samples] == list(truth)
