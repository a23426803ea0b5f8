from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vidcore.config import Experiment
from vidcore.engine.events import Events, RunInfo
from vidcore.plugins import build
from vidcore.testing import check_plugin
from vidcore_watching import plugin
from vidcore_watching.config import Profiler

Train = Callable[..., Events]


@pytest.fixture
def train(tmp_path: Path) -> Train:
    """Takes steps that multiply a matrix once each."""

    def go(config: Profiler, last: int, start: int = 0, evaluate_after: int = 0, total: int = 100) -> Events:
        run = RunInfo(
            name="tennis",
            folder=tmp_path,
            experiment=Experiment(task=None, model=None),
            start_step=start,
            total_steps=total,
            steps_per_epoch=10,
            clips_per_step=8,
        )
        events = Events({"profiler": build(config)})
        events.send("run_started", run=run)
        for step in range(start + 1, last + 1):
            torch.ones(8, 8) @ torch.ones(8, 8)
            events.send("step_finished", run=run, step=step, epoch=1, values={})
            if step == evaluate_after:
                events.send("evaluation_started", run=run, split="val", num_samples=1)
        assert not events.failures
        return events

    return go


def multiplications(folder: Path) -> int:
    trace = json.loads((folder / "profile/trace.json").read_text())["traceEvents"]
    return sum(event.get("name") == "aten::mm" for event in trace)


def test_plugin_keeps_the_contract() -> None:
    check_plugin(plugin)


def test_chosen_steps_are_in_the_table_and_the_trace(train: Train, tmp_path: Path) -> None:
    train(Profiler(skip=2, steps=3), last=5)
    assert multiplications(tmp_path) == 3
    assert "aten::mm" in (tmp_path / "profile/summary.txt").read_text()


def test_nothing_is_written_before_all_are_recorded(train: Train, tmp_path: Path) -> None:
    train(Profiler(skip=2, steps=3), last=4)
    assert not (tmp_path / "profile").exists()


def test_an_evaluation_ends_the_recording(train: Train, tmp_path: Path) -> None:
    train(Profiler(skip=2, steps=50), last=9, evaluate_after=6)
    assert multiplications(tmp_path) == 4


def test_a_run_that_goes_on_is_profiled_from_there(train: Train, tmp_path: Path) -> None:
    train(Profiler(skip=1, steps=2), start=40, last=43)
    assert multiplications(tmp_path) == 2


def test_a_short_run_skips_fewer_steps(train: Train, tmp_path: Path) -> None:
    train(Profiler(skip=5, steps=5), last=6, total=6)
    assert multiplications(tmp_path) == 5
