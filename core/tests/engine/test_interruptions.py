"""Runs that do not get to their end: signals, full disks, folders that cannot be written. Nothing is lost."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from toy_run import Run, left, load_toy

from vidcore.engine.stopping import RunStopped
from vidcore.errors import RunError, WeightsError
from vidcore.plugins import hookimpl

pytestmark = pytest.mark.usefixtures("toy_plugin")


class SignalAt:
    """Sends this process a signal when it hears an event for the n-th time."""

    def __init__(self, event: str, times: int, signum: int) -> None:
        self.event, self.times, self.signum = event, times, signum

    def _hear(self, event: str) -> None:
        self.times -= event == self.event
        if event == self.event and self.times == 0:
            os.kill(os.getpid(), self.signum)

    @hookimpl
    def step_finished(self) -> None:
        self._hear("step_finished")

    @hookimpl
    def evaluation_progressed(self) -> None:
        self._hear("evaluation_progressed")

    @hookimpl
    def checkpoint_saved(self) -> None:
        self._hear("checkpoint_saved")


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize(
    ("event", "times", "step"),
    [
        ("step_finished", 1, 1),
        ("step_finished", 2, 2),
        ("evaluation_progressed", 1, 2),
        ("checkpoint_saved", 2, 2),
        ("evaluation_progressed", 13, 8),  # of the last evaluation, when training is done
    ],
)
def test_a_signal_saves_and_the_run_goes_on_to_the_same_bytes(
    run_toy: Run, tmp_path: Path, signum: int, code: int, event: str, times: int, step: int
) -> None:
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with pytest.raises(RunStopped, match=rf"after step {step}; saved. The same command goes on from there.") as caught:
        run_toy("stopped", progress=SignalAt(event, times, signum))
    assert caught.value.exit_code == code
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == handlers
    folder = run_toy("stopped").folder
    assert f"saved step-{step:08d}" in (folder / "log.txt").read_text()
    assert left(folder) == left(run_toy("whole").folder)


def test_a_second_ctrl_c_leaves_at_once(run_toy: Run) -> None:
    class Impatient:
        @hookimpl
        def step_finished(self) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run_toy("stopped", progress=Impatient())
    folder = run_toy("stopped").folder
    assert left(folder) == left(run_toy("whole").folder)


@contextlib.contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [2**8, 2**17, 2**19])  # fails at the first file, at the weights, at the checkpoint
def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(run_toy: Run, tmp_path: Path, size: int) -> None:
    load_toy(tmp_path, {})
    options = {"model__width": 1024, "engine__epochs": 2}  # 0.35 MB of weights, 1.1 MB a checkpoint
    with no_file_larger_than(size), pytest.raises((RunError, WeightsError), match=r"File too large|the disk is full"):
        run_toy("full", **options)
    folder = run_toy("full", **options).folder
    assert left(folder) == left(run_toy("whole", **options).folder)


def test_a_checkpoint_that_cannot_be_saved_leaves_the_one_before(run_toy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from vidcore.engine import checkpoints

    write = checkpoints.write_flushed

    def write_until_full(path: Path, content: bytes) -> None:
        if "step-00000004" in str(path) and path.name == "model.safetensors":
            path.write_bytes(content[:10])
            raise OSError(28, "No space left on device")
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "write_flushed", write_until_full)
        with pytest.raises(RunError) as caught:
            run_toy("full")
    assert "the checkpoint of step 4 could not be saved: [Errno 28] No space left on device" in str(caught.value)
    assert "The checkpoint of step 3 is intact; make room and run the same command again." in str(caught.value)
    folder = run_toy("full").folder
    assert "goes on after step 3 of 8" in (folder / "log.txt").read_text()
    assert left(folder) == left(run_toy("whole").folder)


@contextlib.contextmanager
def without_privileges(folder: Path) -> Iterator[None]:
    """Root may write anywhere; be nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    for parent in folder.parents:
        if parent.stat().st_mode & 0o001 == 0:
            parent.chmod(parent.stat().st_mode | 0o011)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_cannot_be_written_is_told(run_toy: Run, tmp_path: Path) -> None:
    run_toy("first", engine__epochs=1)  # imports all that a run needs
    (tmp_path / "runs").chmod(0o555)
    with without_privileges(tmp_path / "runs" / "x"), pytest.raises(RunError) as caught:
        run_toy("x")
    (tmp_path / "runs").chmod(0o755)
    assert "cannot be written: [Errno 13] Permission denied" in str(caught.value)
    assert "choose another with --runs" in str(caught.value)


def test_a_checkpoint_folder_that_has_become_read_only_is_told(tmp_path: Path) -> None:
    import torch

    from vidcore.engine.checkpoints import Checkpoints

    checkpoints = Checkpoints(tmp_path / "checkpoints", 2)
    checkpoints.save(1, {"model": {"w": torch.ones(3)}}, {})
    checkpoints.folder.chmod(0o555)
    with without_privileges(checkpoints.folder), pytest.raises(RunError, match=r"Permission denied.*step 1 is intact"):
        checkpoints.save(2, {"model": {"w": torch.ones(3)}}, {})
    checkpoints.folder.chmod(0o755)
    found, damaged = checkpoints.newest()
    assert found is not None
    assert (found.step, damaged) == (1, [])
