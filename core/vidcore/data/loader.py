"""Batches from worker processes, bit for bit the same for any number of them.

Route: a plan gives references -> `_Fetcher` reads and collates them, in a worker -> `load_batches` hands batches out
and watches over bad videos and dead workers.

Workers are started by a fork server: a clean process that has imported torch once and is forked for each worker.
Forking the main process instead would copy its CUDA state, threads and locks, and a dead worker would raise in whatever
the main process does at that moment. So everything given to a worker pickles, and a script that starts workers needs
the usual `if __name__ == "__main__":`.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Generator, Iterator
from itertools import islice
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from attrs import evolve, field, frozen
from torch.utils.data import DataLoader, get_worker_info

from vidcore.data.bad_videos import MAX_ATTEMPTS, Action, BadVideo, BadVideos
from vidcore.data.pace import Pace
from vidcore.data.plan import EvaluationPlan, Plan
from vidcore.errors import DataError, RunError
from vidcore.interfaces import Dataset, Task
from vidcore.randomness import Purpose, generator
from vidcore.values import Batch, Sample, SampleRef

_MOST_WORKERS = 16
_PRELOAD = ["torch", "vidcore.data.loader", "vidcore.data.clips", "vidcore.data.video.pyav"]
_IDLE = -1


@runtime_checkable
class TellsWhere(Protocol):
    """A data set that can name a sample's file for messages."""

    def where(self, index: int) -> str: ...


def load_batches(
    dataset: Dataset,
    task: Task,
    plan: Plan,
    bad: BadVideos,
    *,
    seed: int = 0,
    workers: int | Literal["auto"] = "auto",
    prefetch: int | Literal["auto"] = "auto",
    pin_memory: bool = False,
) -> Generator[Batch, None, None]:
    """Batches as planned. Closing the iterator ends the workers.

    The same seed and plan give the same batches whatever `workers` and `prefetch` are. A batch of an
    evaluation lacks the samples that could not be read; one of which nothing is left does not come at all.

    Args:
        dataset: Gives samples. Pickled to each worker.
        task: Collates them, in the worker.
        plan: What each batch holds.
        bad: What to do with videos that cannot be read; told of each.
        seed: Of the run: samples draw from keys made of it.
        workers: Processes that read; 0 reads in this one. "auto": by the number of processors, and of these, once
            the first batches of a training tell how long reading and using them takes, as many as keep up.
        prefetch: Batches that each worker keeps ready. "auto": two, and then as many as outlast the slowest.
        pin_memory: Put batches where a GPU can fetch them itself.

    Raises:
        DataError: A video cannot be read, and nothing may or can stand in for it.
        RunError: Too many bad videos, or a worker died; the message names what it was reading.
    """
    count, ready = auto_workers() if workers == "auto" else workers, 2 if prefetch == "auto" else prefetch
    taken, pace = 0, Pace()
    while True:
        better = count, ready
        fetcher = _Fetcher(dataset, task, seed, bad.action, _Board(count))
        with contextlib.closing(_load(fetcher, islice(plan, taken, None), *better, pin_memory)) as batches:
            for loaded in batches:
                taken += 1
                bad.add(loaded.bad)
                if loaded.error:
                    raise DataError(loaded.error)
                if loaded.batch is None:
                    continue
                started = time.perf_counter()
                yield loaded.batch
                if not isinstance(plan, EvaluationPlan) and pace.add(loaded.seconds, time.perf_counter() - started):
                    found = pace.enough(count, ready)
                    better = found[0] if workers == "auto" else count, found[1] if prefetch == "auto" else ready
                    if better != (count, ready):
                        break  # what was read ahead is read again
            else:
                return
        count, ready = better


def _load(
    fetcher: _Fetcher, plan: Iterator[list[SampleRef]], workers: int, prefetch: int, pin_memory: bool
) -> Generator[_Loaded, None, None]:
    """What the workers give, until the plan is done; closing it ends them."""
    loader: DataLoader[_Loaded] = DataLoader(
        fetcher,  # type: ignore[arg-type]  # torch asks for __getitems__ only, its types for more
        batch_sampler=plan,
        num_workers=workers,
        prefetch_factor=prefetch if workers else None,
        collate_fn=_as_it_is,
        pin_memory=pin_memory,
        multiprocessing_context=_context() if workers else None,
        worker_init_fn=fetcher.board.sign_in if workers else None,
        generator=torch.Generator().manual_seed(0),  # else each iterator moves the global generator
    )
    iterator = iter(loader)
    try:
        while True:
            death = ""
            try:
                loaded = next(iterator, None)
            except (RuntimeError, OSError, EOFError) as error:
                death = _death(error)
                if not death:
                    raise
            if death:
                raise RunError(_obituary(death, fetcher.board, fetcher.dataset))
            if loaded is None:
                return
            yield loaded
    finally:
        # Ends the workers now, not when somebody lets go of the error: torch goes on raising for each that dies.
        del iterator


def auto_workers() -> int:
    """One process for each processor that is this one's share, one left for training; at most 16."""
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # of this run on this machine, as launchers tell
    return max(min(_processors() // processes - 1, _MOST_WORKERS), 0)


def _processors() -> int:
    """Processors as far as affinity and the container's quota allow."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return allowed if quota == "max" else max(min(allowed, int(quota) // int(period)), 1)
    except (OSError, ValueError):
        return allowed


def _context() -> BaseContext:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOAD)
    _start_fork_server()
    return context


def _start_fork_server() -> None:
    """Start it deaf to Ctrl-C, which a terminal sends to it too: while it imports torch it would die of it, loudly.

    What comes meanwhile waits for us: a mask is inherited, as ignoring would be, but loses nothing.
    """
    resource_tracker.ensure_running()  # else the fork server starts it, and it takes the mask away
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@frozen(kw_only=True, eq=False)
class _Loaded:
    """What comes from a worker. Errors come as values: torch would wrap them in a traceback of the worker."""

    batch: Batch | None = None
    bad: list[BadVideo] = field(factory=list)
    error: str = ""
    seconds: float = 0.0  # that the worker took

    def pin_memory(self) -> _Loaded:
        """Called by torch's pinning thread."""
        return self if self.batch is None else evolve(self, batch=self.batch.pin_memory())


class _Board:
    """One slot a worker, in shared memory: its process, and the sample that it holds."""

    def __init__(self, workers: int) -> None:
        self._slots = torch.full((workers, 2), _IDLE, dtype=torch.int64)
        if workers:
            self._slots.share_memory_()  # type: ignore[no-untyped-call]

    def sign_in(self, worker: int) -> None:
        """Called in a new worker. Ctrl-C is the main process's business; it ends the workers."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=_leave_with_the_run, daemon=True).start()
        self._slots[worker] = torch.tensor([os.getpid(), _IDLE])

    def hold(self, index: int) -> None:
        """Note what this worker is about to read."""
        info = get_worker_info()
        if info is not None:
            self._slots[info.id, 1] = index

    def held_by_dead(self) -> list[int]:
        """What the dead workers held; what all held where it cannot be told which of them are dead."""
        slots: list[list[int]] = self._slots.tolist()
        dead = [index for process, index in slots if process != _IDLE and not _is_alive(process)]
        return [index for index in dead or [index for _, index in slots] if index != _IDLE]


def _leave_with_the_run() -> None:
    """End this worker when the main process is killed.

    torch watches the parent of a worker, which is the fork server; the server in turn lives as long as its workers.
    """
    run = multiprocessing.parent_process()
    if run is not None:
        run.join()
        os._exit(1)


def _is_alive(process: int) -> bool:
    """Whether a process runs; one that is dead and not yet cleared away does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2]
    except OSError:
        return not Path("/proc/self").exists()  # without /proc nothing is known
    return state.split()[0] not in "ZX"


class _Fetcher:
    """Reads and collates the samples of a batch, in a worker or in the main process."""

    def __init__(self, dataset: Dataset, task: Task, seed: int, action: Action, board: _Board) -> None:
        self.dataset, self.board = dataset, board
        self._task, self._seed, self._action = task, seed, action

    def __getitems__(self, refs: list[SampleRef]) -> _Loaded:
        """A batch; torch's name for fetching several at once."""
        bad: list[BadVideo] = []
        started = time.perf_counter()
        try:
            samples = [sample for ref in refs for sample in self._read(ref, bad)]
            batch = self._task.collate(samples) if samples else None
            return _Loaded(batch=batch, bad=bad, seconds=time.perf_counter() - started)
        except DataError as error:
            return _Loaded(bad=bad, error=str(error))
        finally:
            self.board.hold(_IDLE)

    def _read(self, ref: SampleRef, bad: list[BadVideo]) -> list[Sample]:
        """The samples of a reference, or of what stands in for it; none where nothing may."""
        try:
            return self._try(ref, generator(self._seed, Purpose.SAMPLE, ref.epoch, ref.index, ref.repeat))
        except DataError as error:
            bad.append(self._bad(ref, error))
        if self._action != "replace":
            return []
        for attempt in range(MAX_ATTEMPTS):
            rng = generator(self._seed, Purpose.REPLACE, ref.epoch, ref.index, attempt)
            other = evolve(ref, index=int(rng.integers(len(self.dataset))))
            try:
                samples = self._try(other, rng)
            except DataError as error:
                bad.append(self._bad(other, error))
            else:
                replaced = where(self.dataset, ref.index)
                return [evolve(sample, meta={**sample.meta, "replaced": replaced}) for sample in samples]
        raise DataError(f"{bad[-1].text}\nno readable video was found in its place in {MAX_ATTEMPTS} attempts")

    def _try(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        """Read a sample, with torch's own generator seeded too: some libraries draw from nothing else."""
        self.board.hold(ref.index)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(rng.spawn(1)[0].integers(2**63)))
            return self.dataset.sample(ref, rng)

    def _bad(self, ref: SampleRef, error: DataError) -> BadVideo:
        return BadVideo(ref.index, where(self.dataset, ref.index), str(error))


def where(dataset: Dataset, index: int) -> str:
    """How to call a sample in messages."""
    return dataset.where(index) if isinstance(dataset, TellsWhere) else f"sample {index}"


def _as_it_is(loaded: Any) -> Any:
    return loaded


def _death(error: RuntimeError | OSError | EOFError) -> str:
    """What torch says of a dead worker; empty for other errors, which come from code that a worker ran."""
    if isinstance(error, RuntimeError):
        return str(error).splitlines()[0] if str(error).startswith("DataLoader worker (pid") else ""
    # it died after it had announced a batch, before that was fetched
    return "" if str(error).startswith("Caught ") else f"{type(error).__name__} while its batch was fetched"


def _obituary(death: str, board: _Board, dataset: Dataset) -> str:
    held = board.held_by_dead()
    if not held:
        return (
            f"a worker died while it read nothing: {death}. Out of memory? Fewer data.workers need less. In a script, "
            'start runs below `if __name__ == "__main__":`; data.workers = 0 reads without workers'
        )
    names = ", ".join(where(dataset, index) for index in held)
    return (
        f"a worker died while it read {names}: {death}. Out of memory? Fewer data.workers or a smaller data.prefetch "
        "need less. Else that file may be what kills the decoder: take it out of the list, and the run goes on from "
        "its checkpoint"
    )
