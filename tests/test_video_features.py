"""From raw videos to features to segments: a recognition model of one plugin feeds a localization model of another."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from vidcore import build, load_experiment
from vidcore.cli.main import cli
from vidcore.engine.contract import weights_contract
from vidcore.testing import make_video
from vidcore.weights.saving import save_weights

MODEL = """
[task]
type = "recognition"
[model]
type = "slowonly"
depth = 10
base_channels = 8
zero_init_residual = false
num_classes = 2
[data.test]
type = "class-folders"
classes = ["left", "right"]
[data.test.sampling]
type = "dense"
num_frames = 4
frame_interval = 2
[data.test.transforms.resize]
type = "resize"
short_side = 32
[data.test.transforms.crop]
type = "center-crop"
size = 32
[data.test.views]
clips = 3
"""
BMN = """
[task]
type = "localization"
method = "boundary-matching"
[model]
type = "bmn"
in_channels = 64
length = 8
samples = 4
width_1d = 8
width_2d = 8
width_3d = 8
[data]
root = "."
workers = 0
[data.train]
type = "feature-segments"
annotations = "segments.json"
features = "features"
suffix = ".npy"
length = 8
resample = true
batch_size = 2
[data.val]
type = "feature-segments"
annotations = "segments.json"
features = "features"
suffix = ".npy"
length = 8
resample = true
[engine]
epochs = 1
[metrics.recall]
type = "proposal-recall"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two videos, and weights of a small model that nobody trained."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "videos").mkdir()
    for name, frames in (("a", 40), ("b", 55)):
        make_video(tmp_path / f"videos/{name}.mp4", num_frames=frames)
    (tmp_path / "model.toml").write_text(MODEL)
    experiment = load_experiment(tmp_path / "model.toml")
    torch.manual_seed(0)
    contract = weights_contract(experiment, ("left", "right"))
    save_weights(tmp_path / "model.safetensors", build(experiment.model).state_dict(), contract)
    return tmp_path


def features(*options: str) -> Result:
    given = ["--weights", "model.safetensors", "--interval", "8", "--device", "cpu", *options]
    return CliRunner().invoke(cli, ["data", "features", "videos", *given])


def test_features_of_videos_are_what_localization_trains_on(folder: Path) -> None:
    done = features("--out", "features")
    assert done.exit_code == 0, done.output
    assert np.load("features/a.npy").shape == (5, 64)  # 40 frames, one moment every 8
    assert np.load("features/b.npy").shape == (7, 64)  # the last one for what is left
    assert not (np.load("features/a.npy")[0] == np.load("features/a.npy")[-1]).all()
    row = {"duration_second": 2.0, "annotations": [{"segment": [0.5, 1.0], "label": "left"}]}
    Path("segments.json").write_text(json.dumps({"a": row, "b": row}))
    Path("bmn.toml").write_text(BMN)
    trained = CliRunner().invoke(cli, ["run", "bmn.toml"])
    assert trained.exit_code == 0, trained.output
    assert "AUC" in trained.output


def test_raw_videos_to_segments_is_one_file(folder: Path) -> None:
    row = {"duration_second": 2.0, "annotations": [{"segment": [0.5, 1.0], "label": "left"}]}
    Path("segments.json").write_text(json.dumps({"a": row, "b": row}))
    look = 'type = "features"\nvideos = ["videos"]\nweights = "model.safetensors"\ninterval = 8'
    stages = f"[stage.segments]\n[stage.look]\n{look}"
    Path("whole.toml").write_text(BMN.replace('features = "features"', 'features = "stage:look/features"') + stages)
    done = CliRunner().invoke(cli, ["run", "whole.toml", "--set", "engine.device=cpu"])
    assert done.exit_code == 0, f"{done.output}{done.exception}"
    assert np.load("runs/whole/stages/look/features/a.npy").shape == (5, 64)
    assert "AUC" in done.output


def test_features_do_not_depend_on_the_batch_and_are_not_made_twice(folder: Path) -> None:
    features("--out", "one", "--batch", "1")
    features("--out", "many", "--batch", "16")
    np.testing.assert_allclose(np.load("one/b.npy"), np.load("many/b.npy"), rtol=1e-4, atol=1e-5)
    assert "a.mp4: is there" in features("--out", "one").output


def test_scores_are_probabilities_of_the_classes(folder: Path) -> None:
    features("--out", "scores", "--what", "scores", "--window", "16")
    scores = np.load("scores/a.npy")
    assert scores.shape == (5, 2)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0, rtol=1e-5)


def test_a_video_that_cannot_be_read_is_told_and_the_others_are_done(folder: Path) -> None:
    (folder / "videos/c.mp4").write_bytes(b"no video")
    done = features("--out", "features")
    assert done.exit_code == 1
    assert "c.mp4" in done.output and "1 of 3 videos could not be read" in done.output
    assert sorted(path.name for path in Path("features").iterdir()) == ["a.npy", "b.npy"]


def test_two_videos_of_one_name_are_refused(folder: Path) -> None:
    (folder / "videos/a.avi").write_bytes(b"")
    done = features("--out", "features")
    assert "would both be written to a.npy" in f"{done.output}{done.exception}"


@pytest.fixture
def flow(folder: Path) -> Path:
    """Flow of both videos, in folders of folders, and a model that looks at it."""
    for name, pairs in (("a", 40), ("b.one", 55)):
        place = folder / "flow/deep" / name
        place.mkdir(parents=True)
        for number, axis in itertools.product(range(1, pairs + 1), "xy"):
            Image.fromarray(np.full((48, 64), 100 + number, np.uint8)).save(place / f"flow_{axis}_{number:05}.jpg")
    text = MODEL.replace("base_channels = 8", "base_channels = 8\nin_channels = 2")
    text = text.replace('"recognition"', '"recognition"\nmean = [127.5, 127.5]\nstd = [19.0, 19.0]')
    (folder / "flow.toml").write_text(text + '[data]\ndecoder = "flow-frames"\n')
    experiment = load_experiment(folder / "flow.toml")
    contract = weights_contract(experiment, ("left", "right"))
    save_weights(folder / "flow.safetensors", build(experiment.model).state_dict(), contract)
    return folder


def test_flow_has_features_too_and_both_are_what_localization_trains_on(flow: Path) -> None:
    given = ["--weights", "flow.safetensors", "--interval", "8", "--device", "cpu", "--output", "of-flow"]
    done = CliRunner().invoke(cli, ["data", "features", "flow", *given])
    assert done.exit_code == 0, f"{done.output}{done.exception}"
    assert [np.load(f"of-flow/{name}.npy").shape for name in ("a", "b.one")] == [(5, 64), (7, 64)]
    assert features("--output", "features").exit_code == 0
    Path("of-flow/b.one.npy").rename("of-flow/b.npy")
    row = {"duration_second": 2.0, "annotations": [{"segment": [0.5, 1.0], "label": "left"}]}
    Path("segments.json").write_text(json.dumps({"a": row, "b": row}))
    both = BMN.replace('features = "features"', 'features = ["features", "of-flow"]')
    Path("both.toml").write_text(both.replace("in_channels = 64", "in_channels = 128"))
    trained = CliRunner().invoke(cli, ["run", "both.toml", "--set", "engine.device=cpu"])
    assert trained.exit_code == 0, f"{trained.output}{trained.exception}"


def test_videos_of_folders_in_folders_are_found(folder: Path) -> None:
    (folder / "videos/more").mkdir()
    (folder / "videos/b.mp4").rename(folder / "videos/more/b.mp4")
    assert features("--output", "features").exit_code == 0
    assert sorted(path.name for path in Path("features").iterdir()) == ["a.npy", "b.npy"]


def test_a_dry_run_needs_no_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = BMN.replace("length = 8\nresample = true", "length = 8\nchannels = 64")
    Path("bmn.toml").write_text(text.replace("samples = 4", "samples = 4\nnum_classes = 2"))
    done = CliRunner().invoke(cli, ["run", "bmn.toml", "--dry-run"])
    assert done.exit_code == 0, f"{done.output}{done.exception}"
    assert "features [2, 64, 8]" in done.output
