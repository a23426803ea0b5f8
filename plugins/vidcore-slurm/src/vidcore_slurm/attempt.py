"""What each process of a job does: it runs vidcore as one of many, and ends it in time.

submitit calls an `Attempt` in every task of the job. When the job is about to be ended, Slurm sends a signal to all
tasks; submitit then asks the first one what to do next time (`checkpoint`), and queues the job again. A run saves when
one of its processes gets SIGTERM, and all of them leave after the same step, so it is enough to tell the first.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import submitit
from attrs import define, field

_PORTS = range(20_000, 30_000)  # below those that systems hand out
_STOPPED = 128 + signal.SIGTERM  # the exit code of a run that has saved
_POLL_SECONDS = 0.2


class RunFailedError(RuntimeError):
    """The run ended with an error, which stands above in what it printed."""


@define
class Attempt:
    """A vidcore command in all tasks of a job, with the number of times that the job was queued again."""

    command: tuple[str, ...]  # of vidcore, with its arguments
    grace_seconds: float  # for saving, once a signal has come
    number: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __call__(self) -> str:
        """Run to the end, or until told to stop.

        Raises:
            RunFailedError: The run ended in neither way.
        """
        task = submitit.JobEnvironment()
        restarts = max(self.number, int(os.environ.get("SLURM_RESTART_COUNT", "0")))
        command = [part for part in self.command if not (restarts and part == "--fresh")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vidcore", *command], env={**os.environ, **place(task, restarts)}
        )
        # not Popen.wait: it holds a lock for which a signal's handler would wait for ever
        while (code := self._process.poll()) is None:
            time.sleep(_POLL_SECONDS)
        if code == 0:
            return "finished"
        if code == _STOPPED and task.global_rank:
            return "stopped"  # the first task says whether it goes on
        raise RunFailedError(f"vidcore {' '.join(command)} ended with code {code}")

    def checkpoint(self) -> submitit.helpers.DelayedSubmission | None:
        """Make the run save; what the job does when it is queued again. None: the run has failed, and does nothing."""
        deadline, process = time.monotonic() + self.grace_seconds, self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
        failed = process is not None and process.poll() not in (None, 0, _STOPPED, -signal.SIGTERM)
        again = Attempt(self.command, self.grace_seconds, self.number + 1)
        return None if failed else submitit.helpers.DelayedSubmission(again)


def place(task: submitit.JobEnvironment, restarts: int) -> dict[str, str]:
    """The environment in which vidcore finds the other tasks of the job."""
    threads = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    if task.num_tasks == 1:
        return threads
    number = int("".join(filter(str.isdigit, task.job_id))) + restarts
    return {
        **threads,
        "MASTER_ADDR": task.hostnames[0],
        "MASTER_PORT": str(_PORTS[number % len(_PORTS)]),
        "RANK": str(task.global_rank),
        "WORLD_SIZE": str(task.num_tasks),
        "LOCAL_RANK": str(task.local_rank),
        "TORCHELASTIC_RESTART_COUNT": str(restarts),
    }
