"""Moving actors in AVA's format: boxes and several actions over real H.264 MP4, from run to results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from vidcore.inference import weights_of_run
from vidcore_ava.actors import ACTIONS, Actors
from vidcore_ava.bank_stage import Banks
from vidcore_ava.config import ActorStage, BankStage

EXPERIMENT = """
seed = 1

[task]
type = "action-detection"
top_k = [1]

[model]
type = "region-detector"
output_size = 3
dropout = 0.0

[model.backbone]
type = "slowonly"
depth = 10
stage_blocks = [1, 1]
base_channels = 8
stem_stride = [1, 2, 2]
stem_pool = false
spatial_strides = [1, 2]
temporal_strides = [1, 1]
dilations = [1, 1]
inflation = ["3x1x1", "3x1x1"]

[data]
root = "actors"
workers = 0

[data.train]
type = "ava"
annotations = "train.csv"
proposals = "train-persons.json"
label_map = "actions.pbtxt"
start_seconds = 0
batch_size = 4

[data.train.sampling]
type = "key-frame"
num_frames = 4
frame_interval = 1
jitter = false

[data.train.transforms.crop]
type = "random-crop"
size = [60, 92]

[data.train.transforms.flip]
type = "flip"

[data.val]
type = "ava"
annotations = "val.csv"
label_map = "actions.pbtxt"
proposals = "val-persons.json"
start_seconds = 0
batch_size = 4

[data.val.sampling]
type = "key-frame"
num_frames = 4
frame_interval = 1

[optimizer]
type = "adamw"
lr = 0.01

[engine]
epochs = 12
precision = "fp32"

[engine.evaluate]
every = 12

[metrics.map]
type = "frame-map"
per_class = true

[metrics.map.groups]
moves = [1, 3]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("work")
    Actors(ActorStage(num_train=14, num_val=4)).run(folder / "actors", folder, "cpu")
    (folder / "actors.toml").write_text(EXPERIMENT)
    return folder


def vidcore(*arguments: object, cwd: Path) -> str:
    command = [sys.executable, "-m", "vidcore", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_actions_of_moving_actors_are_learnt_measured_and_written_for_the_official_evaluation(folder: Path) -> None:
    vidcore("config", "check", "actors.toml", cwd=folder)
    vidcore("run", "actors.toml", "--name", "first", cwd=folder)
    lines = [json.loads(line) for line in (folder / "runs/first/metrics.jsonl").read_text().splitlines()]
    figures = next(line for line in reversed(lines) if line["split"] == "test")  # of the best weights, as below
    assert figures["frame_ap/glow"] > 0.95 and figures["frame_map"] > 0.6, figures  # without motion: 0.5
    assert {"frame_map_moves", "frame_ap/walk", "frame_ap/glow"} <= figures.keys()

    told = vidcore("test", "--run", "runs/first", "--split", "val", "--dump", "dump.jsonl", cwd=folder)
    assert "frame_map" in told
    results = folder / "results.csv"
    vidcore("ava", "results", "dump.jsonl", results, "--label-map", "actors/actions.pbtxt", cwd=folder)
    evaluated = vidcore("ava", "evaluate", results, "actors/val.csv", "--label-map", "actors/actions.pbtxt", cwd=folder)
    value = float(next(line.split()[-1] for line in evaluated.splitlines() if line.startswith("frame_map")))
    assert value == pytest.approx(figures["frame_map"], abs=0.02)  # rows of results are rounded


@pytest.mark.slow
def test_detector_learns_with_the_bank_that_another_wrote(folder: Path) -> None:
    if not (folder / "runs/first").exists():
        vidcore("run", "actors.toml", "--name", "first", "--set", "engine.epochs=1", cwd=folder)
    weights = "runs/first/weights/last.safetensors"
    for split in ("train", "val"):
        change = ["--set", f"data.val.annotations={split}.csv", "--set", 'data.val.proposals=""']
        told = vidcore("ava", "bank", "actors.toml", f"actors/{split}.pt", "--weights", weights, *change, cwd=folder)
        assert "seconds of" in told
    (folder / "banked.toml").write_text(
        'extends = "actors.toml"\n[model.fusion]\ntype = "feature-bank"\nbank_channels = 16\nlatent_channels = 8\n'
        '[data.train]\nbank = "train.pt"\nbank_window = 2\n[data.val]\nbank = "val.pt"\nbank_window = 2\n'
        "[engine]\nepochs = 1\n[engine.evaluate]\nevery = 1\n"
    )
    vidcore("run", "banked.toml", "--name", "banked", cwd=folder)
    lines = [json.loads(line) for line in (folder / "runs/banked/metrics.jsonl").read_text().splitlines()]
    assert "frame_map" in lines[-1]


@pytest.mark.slow
def test_banks_of_a_stage_are_those_of_the_command(folder: Path, tmp_path: Path) -> None:
    if not (folder / "runs/first").exists():
        vidcore("run", "actors.toml", "--name", "first", "--set", "engine.epochs=1", cwd=folder)
    Banks(BankStage(run="runs/first")).run(tmp_path, folder, "cpu")
    weights = weights_of_run(folder / "runs/first")
    change = ["--set", "data.val.annotations=train.csv", "--set", "data.val.proposals=train-persons.json"]
    vidcore("ava", "bank", "actors.toml", tmp_path / "command.pt", "--weights", weights, *change, cwd=folder)
    ours, commands = (torch.load(tmp_path / name, weights_only=True) for name in ("train.pt", "command.pt"))
    assert ours.keys() == commands.keys() and (tmp_path / "val.pt").exists()
    for video, seconds in ours.items():
        for second, features in seconds.items():
            torch.testing.assert_close(features, commands[video][second])


def test_predicted_video_without_persons_is_looked_at_whole(folder: Path) -> None:
    if not (folder / "runs/first").exists():
        vidcore("run", "actors.toml", "--name", "first", "--set", "engine.epochs=1", cwd=folder)
    told = vidcore("predict", "actors/videos/val000.mp4", "--run", "runs/first", cwd=folder)
    assert any(name in told for name in ACTIONS)
