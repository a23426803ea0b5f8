"""From tones on the disk to a trained network, through the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import vidcore
from vidcore.cli.main import cli
from vidcore.errors import ConfigError
from vidcore_audio.commands import audio_features

EXPERIMENT = """
[task]
type = "recognition"

[model]
type = "audio-tsn"
depth = 10
base_channels = 8
dropout = 0.0

[data]
root = "{root}"
workers = 0

[data.train]
{data}
batch_size = 8

[data.val]
{data}
batch_size = 4

[optimizer]
type = "adamw"
lr = 0.01

[engine]
epochs = 8
device = "cpu"

[engine.evaluate]
every = 8

[metrics.accuracy]
type = "accuracy"
top_k = [1]
"""
WAVEFORMS = """
type = "audio-list"
list = "list.txt"
classes = "classes.txt"
sample_rate = 8000
sampling = { type = "sound-window", seconds = 0.4 }
transforms.mel = { type = "mel-spectrogram", bands = 32, scale = "log" }
transforms.standard = { type = "standardize" }
"""
FEATURES = """
type = "audio-features"
list = "features.txt"
classes = "classes.txt"
sampling = { type = "sound-window", seconds = 0.4 }
transforms.standard = { type = "standardize" }
"""


def write_features(tones: Path, folder: Path) -> Path:
    options = ["--sample-rate", "8000", "--bands", "32", "--workers", "1"]
    done = CliRunner().invoke(audio_features, [str(tones), str(folder), *options])
    assert done.exit_code == 0, done.output
    assert "8 spectrograms made" in " ".join(done.output.split())
    assert "rate = 62.5 of the data set" in done.output
    (folder / "features.txt").write_text((tones / "list.txt").read_text().replace(".wav", ".npy"))
    (folder / "classes.txt").write_text((tones / "classes.txt").read_text())
    return folder


@pytest.mark.parametrize("kind", ["waveforms", "features"])
def test_tones_are_learnt_and_measured(tones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    root = tones if kind == "waveforms" else write_features(tones, tmp_path / "features")
    file = tmp_path / "tones.toml"
    file.write_text(EXPERIMENT.format(root=root.as_posix(), data=WAVEFORMS if kind == "waveforms" else FEATURES))
    monkeypatch.chdir(tmp_path)
    result = vidcore.run(vidcore.load_experiment(file))
    assert result.metrics["top1"] == 1.0
    tested = CliRunner().invoke(cli, ["test", "--run", str(result.folder)])
    assert tested.exit_code == 0, tested.output
    assert "top1" in tested.output
    sounds = [str(next(root.glob(f"{name}/1.*"))) for name in ("high", "low")]
    predicted = CliRunner().invoke(cli, ["predict", *sounds, str(file), "--run", str(result.folder), "--top-k", "1"])
    assert predicted.exit_code == 1  # the last one is no sound
    assert predicted.output.index("high\n") < predicted.output.index("low\n")
    assert "1 of 3 videos could not be used" in predicted.output


def test_features_that_are_there_are_not_made_again(tones: Path, tmp_path: Path) -> None:
    folder = write_features(tones, tmp_path / "features")
    assert np.load(folder / "low" / "0.npy").shape == (32, 32)
    again = CliRunner().invoke(audio_features, [str(tones / "low"), str(folder / "low"), "--part", "1/2"])
    assert again.exit_code == 0
    text = " ".join(again.output.split())
    assert "0 spectrograms made" in text and "2 were there already" in text
    wrong = CliRunner().invoke(audio_features, [str(tones), str(folder), "--part", "3/2"])
    assert isinstance(wrong.exception, ConfigError) and "form 2/5" in str(wrong.exception)
