"""`python toy_ranks.py FOLDER RUNS`: one of several processes that make the same runs of the toy, one by one.

`RUNS` is JSON: a list of [name, overrides by dotted key, [rank, signal, step] or null]; that process gets the signal
after that step. Threads of gloo that should have ended before Python does are told in the last line.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from toy_run import load_toy

from vidcore.engine.runner import run
from vidcore.engine.session import Session
from vidcore.engine.stopping import RunStopped
from vidcore.errors import VidcoreError

_FINISHED = Session.step_finished
_FIRST_PORT = int(os.environ.get("MASTER_PORT", "0"))


def send_signal(rank: int, name: str, step: int) -> None:
    """Make this process get a signal after a step, if it is the one; callbacks are in the first process only."""

    def step_finished(self: Session, done: Any, progress: Any) -> None:
        _FINISHED(self, done, progress)
        if progress.step == step and rank == int(os.environ.get("RANK", "0")):
            os.kill(os.getpid(), signal.Signals[name])

    Session.step_finished = step_finished  # type: ignore[method-assign]


def tell_threads(groups: int) -> None:
    """A thread that is at work while Python ends aborts the process. Those of so many groups, two each, may stay."""
    threads = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    left = sorted(name for name in threads if "gloo_runloop" in name)
    if len(left) > 2 * groups:
        print("THREADS LEFT:", *left, flush=True)


def main(folder: Path, runs: list[tuple[str, dict[str, Any], tuple[int, str, int] | None]]) -> int:
    torch.set_num_threads(1)
    cut = sum("fsdp" in str(overrides) for _, overrides, _ in runs)  # torch never forgets the group of such weights
    atexit.register(tell_threads, cut)  # before all that a run registers, and so called after it
    for number, (name, overrides, to_send) in enumerate(runs):
        os.environ["MASTER_PORT"] = str(_FIRST_PORT + number)
        Session.step_finished = _FINISHED  # type: ignore[method-assign]
        if to_send is not None:
            send_signal(*to_send)
        try:
            result = run(load_toy(folder, overrides), runs=folder / "runs", name=name)
        except RunStopped as stop:
            print(name, "stopped with", stop.exit_code, flush=True)
        except VidcoreError as error:
            print(f"{type(error).__name__}: {error}", flush=True)
            return error.exit_code
        else:
            print(name, result.state, result.steps, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), json.loads(sys.argv[2])))
