"""A pool of processes of this machine that survives the death of any of them, and whose processes survive nobody."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection

from attrs import frozen

from vidcore_prepare.items import Item, Outcome, killed

Attempt = Callable[[Item], Outcome]

_AHEAD = 2  # items handed out for each process: the next one waits while the first is worked on


def available_workers() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@frozen
class Processes:
    """So many processes; with one, the work is done in this very process."""

    workers: int

    def map(self, attempt: Attempt, items: Sequence[Item]) -> Iterator[Outcome]:
        """See `vidcore_prepare.items.Pool`."""
        if self.workers == 1:
            yield from map(attempt, items)
            return
        todo = deque(items)
        while todo:
            held = yield from _until_one_dies(attempt, todo, min(self.workers, len(todo)))
            for item in held:  # one of them ended its process; which one shows when each has a process of its own
                yield from _alone(attempt, item)


def _until_one_dies(attempt: Attempt, todo: deque[Item], workers: int) -> Generator[Outcome, None, list[Item]]:
    """Work until nothing is to do, or until a process dies. Returns the items that were handed out then."""
    running: dict[Future[Outcome], Item] = {}
    with _executor(workers) as executor:
        while todo or running:
            try:
                while todo and len(running) < _AHEAD * workers:
                    future = executor.submit(attempt, todo[0])
                    running[future] = todo.popleft()
            except BrokenProcessPool:
                pass  # the futures tell it too
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            broken = []
            for future in done:
                item = running.pop(future)
                try:
                    yield future.result()
                except BrokenProcessPool:
                    broken.append(item)
            if broken or (todo and not running and not done):
                return [*broken, *running.values()]
    return []


def _alone(attempt: Attempt, item: Item) -> Iterator[Outcome]:
    with _executor(1) as executor:
        try:
            yield executor.submit(attempt, item).result()
        except BrokenProcessPool:
            yield killed(item)


@contextlib.contextmanager
def _executor(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that end with the context, and with this process however it ends.

    The pipe is never written to: its end is closed by us, or by the system when we are killed.
    """
    context = multiprocessing.get_context("spawn")  # a forked process would hold our locks beyond our death
    reader, writer = context.Pipe(duplex=False)
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(reader,))
    try:
        yield executor
        executor.shutdown()
    finally:
        writer.close()
        executor.shutdown(wait=True, cancel_futures=True)
        reader.close()


def _start(reader: Connection) -> None:
    """In a new process: Ctrl-C is the parent's to answer, and the end of the parent is ours too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(reader,), daemon=True).start()


def _end_with_parent(reader: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        reader.poll(None)
    os._exit(1)
