"""A run as a job: what is asked of Slurm, and a job that is signalled, queued again, and ends as it would have."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from vidcore.errors import ConfigError, RunError
from vidcore_slurm.commands import run
from vidcore_slurm.jobs import minutes

CORE_TESTS = Path(__file__).parents[3] / "core" / "tests" / "engine" / "toy"
SLOWLY = ["--set", "data.train.delay_seconds=0.05", "--set", "engine.epochs=6"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    told = (CORE_TESTS / "toy_run.py").read_text()  # not imported: other tests may have done so
    (tmp_path / "toy.toml").write_text(told.split('"""')[3])
    return tmp_path


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables with which a process finds the toy's plugin as if it were installed."""
    info = tmp_path / "site" / "vidcore_engine_toy-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vidcore-engine-toy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vidcore]\nengine-toy = vidcore_engine_toy.plugin\n")
    paths = [str(tmp_path / "site"), str(CORE_TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    without = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "PYTHONWARNINGS"}
    kept = {key: value for key, value in os.environ.items() if key not in without}
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}


def vidcore(folder: Path, environment: dict[str, str], *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "vidcore", *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    text = process.communicate(timeout=280)[0]
    assert process.returncode == 0, text
    return text


def processes_under(parent: int) -> Iterator[int]:
    """All processes that one has started, and those that they have."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            started_by = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has gone meanwhile
            continue
        if started_by == parent:
            yield int(entry.name)
            yield from processes_under(int(entry.name))


def tasks_under(parent: int) -> list[int]:
    """The processes of submitit's tasks, which Slurm would signal."""
    found = []
    for one in processes_under(parent):
        try:
            command = (Path("/proc") / str(one) / "cmdline").read_text()
        except OSError:
            continue
        if "submitit.core._submit" in command:
            found.append(one)
    return found


def wait_for_checkpoint(run: Path, step: int) -> None:
    deadline = time.monotonic() + 200
    while not any(int(path.name[5:]) >= step for path in run.glob("checkpoints/step-" + "[0-9]" * 8)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def left(run: Path) -> dict[str, bytes]:
    files = [run / "metrics.jsonl", run / "result.json", *(run / "weights").iterdir(), *(run / "predictions").iterdir()]
    return {file.name: file.read_bytes() for file in files}


def signalled(folder: Path, environment: dict[str, str], count: int, signum: int) -> str:
    """The output of a job of so many processes that were all signalled once, in the midst of the run."""
    job = ("slurm", "run", "toy.toml", "--cluster", "local", "--processes-per-node", str(count), "--wait", "--fresh")
    process = vidcore(folder, environment, *job, *SLOWLY)
    wait_for_checkpoint(folder / "runs" / "toy", 3)
    tasks = tasks_under(process.pid)
    assert len(tasks) == count
    for task in tasks:
        os.kill(task, signum)
    return finish(process)


@pytest.mark.slow
def test_a_signalled_job_is_queued_again_and_ends_with_the_same_bytes(
    folder: Path, environment: dict[str, str]
) -> None:
    text = signalled(folder, environment, 1, signal.SIGUSR2)
    assert "has finished" in text
    log = (folder / "runs" / "toy" / "log.txt").read_text()
    assert log.count("stopped by signal 15") == log.count("goes on after step") == 1
    finish(vidcore(folder, environment, "run", "toy.toml", "--name", "whole", *SLOWLY))
    assert left(folder / "runs" / "toy") == left(folder / "runs" / "whole")


@pytest.mark.slow
def test_two_processes_of_a_job_stop_after_the_same_step_and_go_on(folder: Path, environment: dict[str, str]) -> None:
    signalled(folder, environment, 2, signal.SIGUSR2)
    log = (folder / "runs" / "toy" / "log.txt").read_text()
    assert log.count("stopped by signal 15") == log.count("goes on after step") == 1
    assert "on 2 x cpu" in log
    whole = ("run", "toy.toml", "--nproc", "2", "--name", "whole", *SLOWLY)
    finish(vidcore(folder, environment, *whole))
    assert left(folder / "runs" / "toy") == left(folder / "runs" / "whole")


@pytest.mark.slow
def test_a_run_that_fails_ends_the_job_and_says_where_it_told_why(folder: Path, environment: dict[str, str]) -> None:
    job = ("slurm", "run", "toy.toml", "--cluster", "local", "--wait", "--set", "engine.freeze=['*']")
    process = vidcore(folder, environment, *job)
    text = process.communicate(timeout=200)[0]
    assert process.returncode == 1
    assert "has failed" in text
    printed = Path(text.partition("it prints to ")[2].partition(",")[0])
    assert "is left to train" in printed.read_text()


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(run, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_dry_run_prints_the_batch_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidcore_slurm.commands.stage_names", lambda source: ["one"])  # so that it is not read further
    wanted = ("--nodes", "2", "--gpus-per-node", "8", "--partition", "gpu", "--time", "1-2:30:00", "--mem", "64G")
    more = ("--sbatch", "reservation=mine", "--setup", "module load cuda", "--runs", str(tmp_path))
    script = invoke("deep/mine.toml", *wanted, *more, "--dry-run").splitlines()
    asked = {line.removeprefix("#SBATCH --") for line in script if line.startswith("#SBATCH")}
    assert asked >= {
        "nodes=2", "gpus-per-node=8", "ntasks-per-node=8", "partition=gpu", "time=1590", "mem=64G", "reservation=mine",
        "requeue", "signal=USR2@120", "job-name=mine",
    }  # fmt: skip
    assert "module load cuda" in script
    assert any(line.startswith("srun ") and line.endswith(f"{tmp_path}/.slurm/%j") for line in script)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90", 90), ("1:30", 90), ("24:00:00", 1440), ("2-0:00:00", 2880), ("0:30:01", 31)],
)
def test_times_are_those_of_vidcore_slurm(text: str, expected: int) -> None:
    assert minutes(text) == expected


@pytest.mark.parametrize("text", ["soon", "1h", "0", ""])
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match=rf"--time {text}: "):
        minutes(text)


def test_without_slurm_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("vidcore_slurm.commands.stage_names", lambda source: ["one"])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RunError, match=r"no sbatch here; .*--dry-run, or try it with --cluster local"):
        CliRunner().invoke(run, ["mine.toml", "--runs", str(tmp_path)], catch_exceptions=False)
    with pytest.raises(ConfigError, match=r"--nodes 2 --cluster local: this is one machine"):
        CliRunner().invoke(
            run, ["mine.toml", "--runs", str(tmp_path), "--nodes", "2", "--cluster", "local"], catch_exceptions=False
        )
    with pytest.raises(ConfigError, match=r"--sbatch alone: is not KEY=VALUE"):
        CliRunner().invoke(run, ["mine.toml", "--sbatch", "alone", "--dry-run"], catch_exceptions=False)


def test_tasks_find_each_other_on_a_free_looking_port(monkeypatch: pytest.MonkeyPatch) -> None:
    from vidcore_slurm.attempt import place

    class Task:
        job_id, num_tasks, global_rank, local_rank = "31_4", 4, 3, 1
        hostnames = (socket.gethostname(),)

    found = place(Task(), restarts=2)  # type: ignore[arg-type]
    assert (found["RANK"], found["LOCAL_RANK"], found["WORLD_SIZE"]) == ("3", "1", "4")
    assert (found["MASTER_PORT"], found["TORCHELASTIC_RESTART_COUNT"]) == ("20316", "2")
