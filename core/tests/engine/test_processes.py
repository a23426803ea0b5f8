"""Runs as processes of their own, killed from outside at any moment: what is left at the end is the same."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from toy_run import Run, left

SCRIPT = Path(__file__).parent / "toy" / "toy_run.py"

pytestmark = pytest.mark.usefixtures("toy_plugin")


def start(folder: Path, name: str, **overrides: Any) -> subprocess.Popen[str]:
    dotted = {key.replace("__", "."): value for key, value in overrides.items()}
    command = [sys.executable, str(SCRIPT), str(folder / "runs"), name, json.dumps(dotted)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def wait_for(process: subprocess.Popen[str], word: str) -> None:
    """Read lines up to the one that says `word`, or all when the process ends before."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == word:
            return


def kill_again_and_again(folder: Path, kills: int, rng: random.Random, **options: Any) -> int:
    """Kill a run at random moments, with another number of workers each time; how often it was killed."""
    killed = 0
    for attempt in range(kills):
        process = start(folder, "killed", data__workers=attempt % 3, **options)
        wait_for(process, "started")
        time.sleep(rng.uniform(0.0, 0.8))
        process.kill()
        killed += process.wait() == -signal.SIGKILL
        assert process.stdout is not None
        process.stdout.close()  # workers that outlive it may still hold the other end
    return killed


def differing(one: Path, other: Path) -> list[str]:
    first, second = left(one), left(other)
    return [name for name in {**first, **second} if first.get(name) != second.get(name)]


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(run_toy: Run, tmp_path: Path) -> None:
    options = {"engine__epochs": 6, "data__train__delay_seconds": 0.01}
    assert kill_again_and_again(tmp_path, 3, random.Random(0), **options) > 0
    assert differing(run_toy("killed", **options).folder, run_toy("whole", **options).folder) == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_thirty_kills_at_random_moments_change_nothing(run_toy: Run, tmp_path: Path) -> None:
    options = {"engine__epochs": 30, "data__train__delay_seconds": 0.01}
    assert kill_again_and_again(tmp_path, 30, random.Random(1), **options) >= 20
    assert differing(run_toy("killed", **options).folder, run_toy("whole", **options).folder) == []


@pytest.mark.parametrize("word", ["started", "evaluating"])  # while the workers are being started; while they work
def test_ctrl_c_in_a_terminal_reaches_the_workers_too_and_still_saves(run_toy: Run, tmp_path: Path, word: str) -> None:
    options = {"engine__epochs": 3, "data__train__delay_seconds": 0.05, "engine__checkpoint__every_steps": 1000}
    process = start(tmp_path, "stopped", data__workers=2, **options)
    wait_for(process, word)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    text = process.communicate(timeout=300)[0]
    assert process.returncode == 130, text
    assert "saved. The same command goes on from there." in text
    assert "Traceback" not in text
    assert differing(run_toy("stopped", **options).folder, run_toy("whole", **options).folder) == []
