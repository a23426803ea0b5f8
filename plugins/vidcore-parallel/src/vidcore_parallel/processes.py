"""One process among those of a run: what they decide together, whichever way the model is trained."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import TracebackType
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from vidcore.engine.parallel import Parallel
from vidcore.errors import ConfigError, RunError, VidcoreError
from vidcore_parallel.config import Together
from vidcore_parallel.connection import connect, first_line, is_lost_connection, own_device, preflight, read_place

T = TypeVar("T")
_SILENCE = logging.NullHandler()


class LeftWithFirstError(VidcoreError):
    """The first process could not go on, and has said why."""

    def __init__(self, exit_code: int) -> None:
        super().__init__("the first process could not go on; it tells why")
        self.exit_code = exit_code


class Processes(Parallel):
    """Connects to the others while it is entered.

    Small things and decisions go over gloo, gradients over a group of their own.
    """

    def __init__(self, config: Together, device: torch.device, *, sharded: bool = False) -> None:
        self.place = place = read_place()
        super().__init__(
            own_device(device, place), rank=place.rank, world=place.world, restarts=place.restarts, sharded=sharded
        )
        if config.backend == "nccl" and self.device.type != "cuda":
            raise ConfigError(
                f'engine.parallel.backend = "nccl" works on CUDA devices only, not on {self.device.type}; leave it out'
            )
        self._backend, self._connect_seconds = config.backend, config.connect_seconds
        self._timeout = timedelta(minutes=config.timeout_minutes)

    def __enter__(self) -> Processes:
        """Find the others and try whether gradients can travel.

        Raises:
            RunError: They cannot.
        """
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
        importlib.import_module("torch._dynamo")  # imported with groups there, as wrappers do, it never lets them go
        store = connect(self.place, self.device, self._connect_seconds)
        backend = self._backend
        if backend == "auto":
            backend = "nccl" if self.device.type == "cuda" else "gloo"
        # Any: torch answers a number to a process that is not of the group, and here all are
        self._decisions: Any
        self._gradients: Any
        with self._talking("connecting"):
            self._decisions = self._new_group("gloo")
            self._gradients = self._new_group(backend)
        preflight(self._gradients, store, self.place, self.device, self._connect_seconds)
        if self.rank:
            logging.getLogger("vidcore").addHandler(_SILENCE)  # the first process logs
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger("vidcore").removeHandler(_SILENCE)
        if error is None or self.device.type != "cuda":  # nccl would wait for those that are not there any more
            dist.destroy_process_group()
        # gloo's threads end with the last that holds a group; one that is at work while Python ends aborts the process
        self._decisions = self._gradients = None
        atexit.register(gc.collect)

    def gather(self, value: T) -> list[T]:
        """The values of all processes; tensors come back on the CPU and have the same shape everywhere."""
        with self._talking("gathering results"):
            if isinstance(value, Tensor):
                mine = value.detach().cpu().contiguous()
                tensors = [torch.empty_like(mine) for _ in range(self.world)]
                dist.all_gather(tensors, mine, group=self._decisions)
                return tensors  # type: ignore[return-value]
            values: list[Any] = [None] * self.world
            dist.all_gather_object(values, value, group=self._decisions)
            return values

    def agree(self, value: int) -> int:
        """The largest value of all processes."""
        largest = torch.tensor([value])
        with self._talking("agreeing on what comes next"):
            dist.all_reduce(largest, dist.ReduceOp.MAX, group=self._decisions)
        return int(largest)

    def on_first(self, work: Callable[[], T]) -> T:
        """What `work` answers in the first process.

        Raises:
            LeftWithFirstError: It failed there.
        """
        answer: list[Any] = [None, 0]  # and an exit code
        failure: Exception | None = None
        if self.rank == 0:
            try:
                answer[0] = work()
            except Exception as error:  # told to the others, then raised here
                failure, answer[1] = error, error.exit_code if isinstance(error, VidcoreError) else 1
        with self._talking("hearing from the first"):
            dist.broadcast_object_list(answer, src=0, group=self._decisions)
        if failure is not None:
            raise failure
        if answer[1]:
            raise LeftWithFirstError(answer[1])
        value: T = answer[0]
        return value

    def _new_group(self, backend: str) -> Any:
        return dist.new_group(backend=backend, timeout=self._timeout)

    @contextlib.contextmanager
    def _talking(self, doing: str) -> Iterator[None]:
        """Say in words when another process has gone meanwhile."""
        try:
            yield
        except RuntimeError as error:
            if not is_lost_connection(error):
                raise
            raise RunError(
                f"{self.place} lost the others while {doing}; the one that failed first tells why ({first_line(error)})"
            ) from error
