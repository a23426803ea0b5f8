"""A network that looks and one that listens, on the same videos: what both say together is more than either knows.

In these videos the picture tells one half of a class and the sound the other: of two clips that look alike, a network
that looks is right about one. The experiments are those of docs/sound.md, made small.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import vidcore
from vidcore.cli.main import cli
from vidcore.engine.runner import RunResult

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/sound.md").read_text(encoding="utf-8")
CLASSES = ["blue-high", "blue-low", "red-high", "red-low"]
SMALL = {
    "data.workers": 0, "engine.device": "cpu", "engine.epochs": 12, "engine.evaluate.every": 12, "optimizer.lr": 0.01,
    "data.train.batch_size": 4, "data.val.batch_size": 8, "model.depth": 10, "model.base_channels": 8,
}  # fmt: skip
SOUNDS = {
    "data.train.sample_rate": 8000, "data.val.sample_rate": 8000, "data.train.sampling.seconds": 1.0,
    "data.val.sampling.seconds": 1.0, "data.train.at_least": 1.0, "data.val.at_least": 1.0, "data.val.views.clips": 1,
    "data.train.transforms.mel.bands": 32, "data.val.transforms.mel.bands": 32,
}  # fmt: skip
PICTURES = {
    "data.train.sampling.num_frames": 2, "data.val.sampling.num_frames": 2, "data.train.transforms.crop.size": 32,
    "data.val.transforms.resize.short_side": 32, "data.val.transforms.crop.size": 32,
}  # fmt: skip


def run(folder: Path, name: str, number: int, overrides: dict[str, Any]) -> RunResult:
    """Run the block of this number of the page, made small."""
    blocks = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (folder / f"{name}.toml").write_text(blocks[number], encoding="utf-8")
    return vidcore.run(vidcore.load_experiment(folder / f"{name}.toml", SMALL | overrides))


def fused(*arguments: str) -> dict[str, float]:
    """Top-1 by the name of the stream, and of all together."""
    done = CliRunner().invoke(cli, ["fuse", *arguments])
    assert done.exit_code == 0, done.output
    assert not done.stderr  # nobody doubts that these are the same clips
    return {name: float(value) for name, value in re.findall(r"^(\S+): top1 (\S+)", done.output, re.MULTILINE)}


@pytest.fixture
def videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, ROOT / "tests/docs/sound/prepare.py"], check=True)
    listed = CliRunner().invoke(cli, ["data", "filelist", "videos", "lists"])
    assert listed.exit_code == 0, listed.output
    assert (tmp_path / "lists/classes.txt").read_text().split() == CLASSES
    return tmp_path


def test_sight_and_sound_together_know_what_neither_knows(videos: Path) -> None:
    sounds = run(videos, "sounds", 0, SOUNDS)
    pictures = run(videos, "pictures", 1, PICTURES)
    top1 = fused(str(pictures.folder), str(sounds.folder))
    assert max(sounds.metrics["top1"], pictures.metrics["top1"]) <= 0.5
    assert top1["fused"] >= 0.75
