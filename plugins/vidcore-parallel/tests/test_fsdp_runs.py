"""Runs whose weights are cut over processes learn what one process learns, and go on with another number of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from toy_processes import Processes

# not AdamW: it divides by the root of a mean of squares, and a bias before a norm has no gradient but rounding
SGD = {"optimizer": {"type": "sgd", "lr": 0.1}}
FSDP: dict[str, Any] = {**SGD, "engine.parallel": {"type": "fsdp"}}
ASYNC: dict[str, Any] = {**SGD, "engine.parallel": {"type": "fsdp", "async_save": True}}
TOLERANCE = {"rtol": 2e-5, "atol": 2e-6}  # as in data parallel training: the order of sums


@pytest.fixture(scope="module")
def runs(processes: Processes) -> Path:
    """Folder of runs by one process and by two."""
    processes.run(1, [("one", FSDP, None)])
    processes.run(2, [("two", FSDP, None), ("moved", FSDP, (1, "SIGTERM", 3))])
    processes.run(1, [("moved", FSDP, None)])
    return processes.folder / "runs"


@pytest.fixture(scope="module")
def interrupted(processes: Processes, runs: Path) -> Path:
    """Folder of runs that two processes began, and were kept from ending at once."""
    processes.run(2, [("stopped", FSDP, (1, "SIGINT", 3)), ("stopped", FSDP, None)])
    processes.run(2, [("killed", ASYNC, (0, "SIGKILL", 3))], expect=[-9, 1])
    partly = [path.name for path in (runs / "killed" / "checkpoints").glob("*.tmp")]
    processes.run(2, [("killed", ASYNC, None), ("async", ASYNC, None)])
    (runs / "killed" / "partly.txt").write_text(" ".join(partly))
    return runs


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "weights" / "last.safetensors")


def lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def results(run: Path) -> dict[str, bytes]:
    """All that a run computes; the checkpoints' index has a random number in it."""
    files = [run / "metrics.jsonl", run / "result.json", *(run / "weights").iterdir(), *(run / "predictions").iterdir()]
    return {file.name: file.read_bytes() for file in files}


def same_losses(one: Path, other: Path) -> None:
    for mine, theirs in zip(lines(one), lines(other), strict=True):
        assert {**theirs, "split": 0} == pytest.approx({**mine, "split": 0}, rel=1e-4, abs=1e-6)


def test_two_processes_learn_what_one_learns_and_write_whole_weights(runs: Path) -> None:
    torch.testing.assert_close(weights(runs / "two"), weights(runs / "one"), **TOLERANCE)
    same_losses(runs / "one", runs / "two")
    newest = sorted((runs / "two" / "checkpoints").iterdir())[-1]
    assert {"__0_0.distcp", "__1_0.distcp", ".metadata"} < {file.name for file in newest.iterdir()}
    assert not (newest / "model.safetensors").exists()


def test_one_process_goes_on_with_what_two_have_saved(runs: Path) -> None:
    assert "goes on after step 3 of 8, on cpu" in (runs / "moved" / "log.txt").read_text()
    torch.testing.assert_close(weights(runs / "moved"), weights(runs / "two"), **TOLERANCE)
    same_losses(runs / "two", runs / "moved")


@pytest.mark.slow
def test_a_stopped_run_ends_with_the_bytes_of_one_that_was_not(interrupted: Path) -> None:
    assert "goes on after step 3" in (interrupted / "stopped" / "log.txt").read_text()
    assert results(interrupted / "stopped") == results(interrupted / "two")


@pytest.mark.slow
def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(interrupted: Path) -> None:
    assert (interrupted / "killed" / "partly.txt").read_text() == "step-00000003.tmp"
    assert "goes on after step 2" in (interrupted / "killed" / "log.txt").read_text()
    assert results(interrupted / "killed") == results(interrupted / "two")
    assert not list((interrupted / "killed" / "checkpoints").glob("*.tmp"))


@pytest.mark.slow
def test_saving_meanwhile_changes_nothing(interrupted: Path) -> None:
    assert results(interrupted / "async") == results(interrupted / "two")
    assert (interrupted / "async" / "checkpoints" / "step-00000008" / "manifest.json").exists()
