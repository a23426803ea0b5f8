"""The quickstart's promise, kept by training: motion is learned, and nothing but motion can be."""

from __future__ import annotations

from pathlib import Path

import pytest

import vidcore
from vidcore.config import load_experiment

BAG_OF_FRAMES = {"model": {"type": "resnet-2d", "depth": 10, "base_channels": 16, "dropout": 0.0}}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_quickstart_recognises_motions_in_videos_it_has_not_seen(tmp_path: Path) -> None:
    result = vidcore.run(load_experiment("quickstart"), runs=tmp_path)
    assert result.metrics["top1"] >= 0.95
    assert (result.folder / "report.html").exists()


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_bag_of_frames_stays_at_chance(tmp_path: Path) -> None:
    experiment = load_experiment("quickstart", {**BAG_OF_FRAMES, "engine.epochs": 3})
    result = vidcore.run(experiment, runs=tmp_path)
    assert result.metrics["top1"] == pytest.approx(0.125, abs=0.02)  # rounding may tip a tie
