"""A pool for `vidcore_prepare.engine`, whose processes are those of a Ray cluster.

Ray Data spreads the items, and tries a task again whose process was killed, for ever if it must. A board, an actor of
the same cluster, ends that: it knows what is done and how often an item was begun, so that the item that kills is named
after its second try and the rest of its task goes on. What travels are items and outcomes, pickled. Files do not: every
machine sees the same folders.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ray
import ray.data
from attrs import frozen
from ray.exceptions import RayError

from vidcore.errors import RunError
from vidcore_prepare.engine import Item, Outcome, killed
from vidcore_prepare.processes import available_workers
from vidcore_ray.config import Ray

Attempt = Callable[[Item], Outcome]
_MAX_TASKS = 4096  # of one item each where there are no more items
_MAX_TRIES = 2


@frozen
class RayPool:
    """See `vidcore_prepare.engine.Pool`."""

    config: Ray

    def map(self, attempt: Attempt, items: Sequence[Item]) -> Iterator[Outcome]:
        """Outcomes, as they come.

        Raises:
            RunError: Ray cannot be reached, or its machines cannot run vidcore.
        """
        if items:
            with connected(self.config.workers):
                try:
                    yield from _spread(attempt, items, self.config.workers)
                except RayError as error:
                    reason = str(error).strip().splitlines()[-1]
                    raise RunError(
                        f"--pool ray: {reason}; every machine of the cluster needs the same vidcore with the same "
                        "plugins, and the same folders"
                    ) from error


@contextlib.contextmanager
def connected(workers: int | None) -> Iterator[None]:
    """Ray, which is left as it was found: a connection that was there stays.

    Raises:
        RunError: The cluster that `RAY_ADDRESS` names does not answer, or no Ray starts here.
    """
    if ray.is_initialized():
        yield
        return
    named = os.environ.get("RAY_ADDRESS", "")
    try:
        _connect(named, workers)
    except Exception as error:  # of any class, from ConnectionError to plain Exception where its processes do not start
        where = f"the Ray cluster at RAY_ADDRESS={named} does not answer" if named else "Ray does not start here"
        raise RunError(f"--pool ray: {where}: {error}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _connect(named: str, workers: int | None) -> None:
    """To the named cluster, else to one that this machine belongs to, else to a new Ray of this machine alone."""
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        ray.init(named or "auto", **quiet)
    except ConnectionError:
        if named:
            raise
        ray.init("local", num_cpus=workers or available_workers(), include_dashboard=False, **quiet)


def _spread(attempt: Attempt, items: Sequence[Item], workers: int | None) -> Iterator[Outcome]:
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # it tells each execution
    context = ray.data.DataContext.get_current().copy()
    context.enable_progress_bars = False
    with ray.data.DataContext.current(context):
        call = _Call(attempt, os.getcwd(), ray.remote(num_cpus=0)(_Board).remote())
        rows = [{"item": pickle.dumps(item)} for item in items]
        told = ray.data.from_items(rows, override_num_blocks=min(len(rows), _MAX_TASKS)).map(
            call, num_cpus=1, compute=ray.data.TaskPoolStrategy(size=min(workers or len(rows), len(rows)))
        )
        for row in told.iter_rows():
            yield pickle.loads(row["outcome"])


class _Board:
    """What became of each item so far, in a process of its own that outlives those which work."""

    def __init__(self) -> None:
        self._tries: dict[str, int] = {}
        self._outcomes: dict[str, bytes] = {}

    def begin(self, name: str) -> tuple[int, bytes]:
        """How often the item is begun with this time, and its outcome; empty where there is none."""
        self._tries[name] = self._tries.get(name, 0) + 1
        return self._tries[name], self._outcomes.get(name, b"")

    def end(self, name: str, outcome: bytes) -> None:
        self._outcomes[name] = outcome


@frozen
class _Call:
    """Works on a row; goes to other processes."""

    attempt: Attempt
    folder: str  # that relative names start from, here as there
    board: Any

    def __call__(self, row: dict[str, Any]) -> dict[str, bytes]:
        os.chdir(self.folder)
        item: Item = pickle.loads(row["item"])
        tries, outcome = ray.get(self.board.begin.remote(item.name))
        if not outcome:
            outcome = pickle.dumps(self.attempt(item) if tries <= _MAX_TRIES else killed(item))
            ray.get(self.board.end.remote(item.name, outcome))
        return {"outcome": outcome}
