"""Data parallel training over torch.distributed, so that the number of processes does not change what is computed.

A chunk's loss is already divided by the number of chunks of the step, so gradients are summed here and not averaged:
each chunk's gradient has the same bits as in one process, and only the order of the sum may differ.

Two things of DistributedDataParallel need care. It sorts gradients anew into buckets after its first backward pass, and
from three processes on the order of a sum depends on the place in a bucket: a restarted run would differ from one that
was not. And a parameter without gradient leaves it waiting. So the first chunk is run twice more beforehand, once
without and once with the others, and what that changed is put back.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import re
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vidcore.engine.parallel import Parallel
from vidcore.errors import ConfigError, RunError, VidcoreError
from vidcore_parallel.config import Ddp
from vidcore_parallel.connection import connect, first_line, is_lost_connection, own_device, preflight, read_place
from vidcore_parallel.statistics import SharedStatistics

T = TypeVar("T")
log = logging.getLogger("vidcore.parallel")
_SILENCE = logging.NullHandler()
_SHOWN = 8  # names in a message
_NEW_NAME = "forward_sync_buffers" in inspect.signature(DistributedDataParallel.__init__).parameters
_LEAVE_BUFFERS: dict[str, Any] = {"forward_sync_buffers" if _NEW_NAME else "broadcast_buffers": False}


class LeftWithFirstError(VidcoreError):
    """The first process could not go on, and has said why."""

    def __init__(self, exit_code: int) -> None:
        super().__init__("the first process could not go on; it tells why")
        self.exit_code = exit_code


class DataParallel(Parallel):
    """This process among those that train together."""

    def __init__(self, config: Ddp, device: torch.device) -> None:
        self.config, self.place = config, read_place()
        place = self.place
        super().__init__(own_device(device, place), rank=place.rank, world=place.world, restarts=place.restarts)
        self._rehearsed = self._in_step = False

    def __enter__(self) -> DataParallel:
        """Find the others and try whether gradients can travel.

        Raises:
            RunError: They cannot.
        """
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
        connect(self.place, self.device, self.config.connect_seconds)
        timeout = timedelta(minutes=self.config.timeout_minutes)
        backend = self.config.backend
        if backend == "auto":
            backend = "nccl" if self.device.type == "cuda" else "gloo"
        # Any: torch answers a number to a process that is not of the group, and here all are
        self._decisions: Any
        self._gradients: Any
        with self._talking("connecting"):
            self._decisions = dist.new_group(backend="gloo", timeout=timeout)
            self._gradients = dist.new_group(backend=backend, timeout=timeout)
        preflight(self._gradients, self.place, self.device, self.config.connect_seconds)
        if self.rank:
            logging.getLogger("vidcore").addHandler(_SILENCE)  # the first process logs
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger("vidcore").removeHandler(_SILENCE)
        if error is None or self.device.type != "cuda":  # nccl would wait for those that are not there any more
            dist.destroy_process_group()

    # --- the model ----------------------------------------------------------------------------------------------

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model inside DistributedDataParallel.

        Raises:
            ConfigError: Batch norms cannot be synchronised on this device.
        """
        if self.config.sync_bn:
            if self.device.type != "cuda":
                raise ConfigError(f"engine.parallel.sync_bn works on CUDA devices only, not on {self.device.type}")
            nn.SyncBatchNorm.convert_sync_batchnorm(model, self._gradients)  # type: ignore[no-untyped-call]
        self._model = model
        self._statistics = SharedStatistics(model, self.rank, self.world, self._gradients)
        self._wrapped = DistributedDataParallel(
            model,
            process_group=self._gradients,
            find_unused_parameters=self.config.find_unused,
            static_graph=self.config.static_graph,
            bucket_cap_mb=self.config.bucket_mb,
            gradient_as_bucket_view=True,
            **_LEAVE_BUFFERS,  # SharedStatistics sees to them
        )
        # torch compares the annotations of a hook with classes, and here they are strings: a lambda has none
        self._wrapped.register_comm_hook(self._gradients, lambda group, bucket: sum_bucket(group, bucket))
        self._wrapped.register_forward_hook(lambda *_: self._statistics.chunk_done())
        return self._wrapped

    def chunk(self, work: Callable[[], T], *, last: bool) -> T:
        """Forward and backward; gradients and running statistics are shared at the last chunk of a step."""
        with self._talking("summing gradients"):
            if not self._rehearsed:
                self._rehearse(work)
                self._rehearsed = True
            if not self._in_step:
                self._statistics.begin()
            self._in_step = not last
            with contextlib.nullcontext() if last else self._wrapped.no_sync():
                result = work()
            if last:
                self._statistics.share()
        return result

    def _rehearse(self, work: Callable[[], object]) -> None:
        """Run the first chunk for nothing, so that buckets are sorted and unused parameters are known."""
        buffers = [(buffer, buffer.clone()) for buffer in self._model.buffers()]
        if not self.config.static_graph:
            with self._wrapped.no_sync():
                work()
            self._check_unused()
            self._model.zero_grad(set_to_none=True)
        if not self.config.find_unused:  # else buckets stay as they are
            work()
            self._model.zero_grad(set_to_none=True)
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)

    def _check_unused(self) -> None:
        mine = [name for name, one in self._model.named_parameters() if one.requires_grad and one.grad is None]
        unused = sorted({name for names in self.gather(mine) for name in names})
        if unused and not self.config.find_unused:
            raise ConfigError(unused_parameters(unused))
        if self.config.find_unused and not unused:
            log.info("engine.parallel.find_unused costs time, and in the first step every parameter got a gradient")

    def _named_in(self, error: RuntimeError) -> str:
        """The parameters that torch's message gives by number."""
        names = [name for name, one in self._model.named_parameters() if one.requires_grad]
        numbers = re.search(r"did not receive grad for rank \d+: ([\d ]+)", str(error))
        return ", ".join(names[int(number)] for number in numbers[1].split()) if numbers else first_line(error)

    # --- decisions ----------------------------------------------------------------------------------------------

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

    @contextlib.contextmanager
    def _talking(self, doing: str) -> Any:
        try:
            yield
        except RuntimeError as error:
            if "Expected to have finished reduction" in str(error):
                raise RunError(
                    f"in the step before, parameters that had a gradient at first got none: {self._named_in(error)}. "
                    "They are used in some steps only: set engine.parallel.find_unused = true"
                ) from error
            if not is_lost_connection(error):
                raise
            raise RunError(
                f"{self.place} lost the others while {doing}; the one that failed first tells why ({first_line(error)})"
            ) from error


def sum_bucket(group: dist.ProcessGroup, bucket: Any) -> torch.futures.Future[Tensor]:
    """Add up gradients over all processes."""
    done = dist.all_reduce(bucket.buffer(), group=group, async_op=True).get_future()
    first: torch.futures.Future[Tensor] = done.then(lambda future: future.value()[0])
    return first


def unused_parameters(names: list[str]) -> str:
    """What to say of parameters that got no gradient."""
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    parts = ", ".join(f'"{part}"' for part in dict.fromkeys(name.rpartition(".")[0] or name for name in names[:_SHOWN]))
    return (
        f"{len(names)} parameters get no gradient in training: {shown}. If the loss never depends on them, take them "
        f"out of training: engine.freeze = [{parts}]. If it does in some steps only, set "
        "engine.parallel.find_unused = true"
    )
