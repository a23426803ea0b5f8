"""Processes that a launcher starts, watches, and starts again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from toy_run import EXPERIMENT, left

SLOWLY = ["--set", "data.train.delay_seconds=0.02", "--set", "engine.epochs=8"]  # a run that can be killed in time


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "toy.toml").write_text(EXPERIMENT)
    return tmp_path


def start(folder: Path, environment: dict[str, str], *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str], code: int = 0) -> str:
    text = process.communicate(timeout=240)[0]
    assert process.returncode == code, text
    return text


def process_of_rank(rank: int, launcher: int) -> int:
    """The number of a process that the launcher started, once it is there."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == launcher and f"\0RANK={rank}\0" in (entry / "environ").read_text():
                return int(entry.name)
        except OSError:  # it has gone meanwhile
            continue
    raise AssertionError(f"no process of rank {rank}")


def wait_for_checkpoint(run: Path, step: int) -> None:
    deadline = time.monotonic() + 120
    while not any(int(path.name[5:]) >= step for path in run.glob("checkpoints/step-" + "[0-9]" * 8)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_torchrun_and_nproc_make_the_same_run(folder: Path, environment: dict[str, str]) -> None:
    text = finish(start(folder, environment, "vidcore", "run", "toy.toml", "--nproc", "2", "--name", "ours"))
    assert text.count("ours: trained") == 1
    torchrun = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "vidcore", "run", "toy.toml")
    finish(start(folder, environment, *torchrun, "--name", "theirs"))
    assert left(folder / "runs" / "ours") == left(folder / "runs" / "theirs")
    again = finish(start(folder, environment, "vidcore", "run", "toy.toml", "--nproc", "4", "--name", "ours"), code=2)
    assert again.count("a step has 2 chunks, which 4 processes cannot share evenly; start one of 1, 2 processes") == 1


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_a_killed_process_is_started_again_and_the_run_ends_equal(
    folder: Path, environment: dict[str, str], processes: int
) -> None:
    run = ("vidcore", "run", "toy.toml", "--nproc", str(processes), *SLOWLY)
    finish(start(folder, environment, *run, "--name", "whole"))
    # --fresh means the command, not each restart
    process = start(folder, environment, *run, "--name", "killed", "--fresh", "--max-restarts", "1")
    wait_for_checkpoint(folder / "runs" / "killed", 3)
    os.kill(process_of_rank(processes - 1, process.pid), signal.SIGKILL)
    finish(process)
    assert "goes on after step" in (folder / "runs" / "killed" / "log.txt").read_text()
    assert left(folder / "runs" / "killed") == left(folder / "runs" / "whole")


@pytest.mark.slow
@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_to_the_launcher_saves_and_ends_all(
    folder: Path, environment: dict[str, str], signum: int, code: int
) -> None:
    run = ("vidcore", "run", "toy.toml", "--nproc", "2", *SLOWLY, "--set", "data.workers=1")
    process = start(folder, environment, *run)
    wait_for_checkpoint(folder / "runs" / "toy", 3)
    process.send_signal(signum)
    text = finish(process, code)
    assert text.count("saved. The same command goes on from there.") == 1
    finish(start(folder, environment, *run))
    assert "goes on after step" in (folder / "runs" / "toy" / "log.txt").read_text()
