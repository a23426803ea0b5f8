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
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vidcore.engine.parallel import Parallel
from vidcore.errors import ConfigError, RunError
from vidcore_parallel.config import Ddp
from vidcore_parallel.connection import first_line, started_alone
from vidcore_parallel.processes import Processes
from vidcore_parallel.statistics import SharedStatistics

T = TypeVar("T")
log = logging.getLogger("vidcore.parallel")
_SHOWN = 8  # names in a message
_NEW_NAME = "forward_sync_buffers" in inspect.signature(DistributedDataParallel.__init__).parameters
_LEAVE_BUFFERS: dict[str, Any] = {"forward_sync_buffers" if _NEW_NAME else "broadcast_buffers": False}


def open_ddp(config: Ddp, device: torch.device) -> contextlib.AbstractContextManager[Parallel]:
    """This process among those that a launcher started; by itself where none did."""
    return contextlib.nullcontext(Parallel(device)) if started_alone() else DataParallel(config, device)


class DataParallel(Processes):
    """This process among those that train together, each with the whole model."""

    def __init__(self, config: Ddp, device: torch.device) -> None:
        super().__init__(config, device)
        self.config = config
        self._rehearsed = self._in_step = False

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model inside DistributedDataParallel.

        Raises:
            ConfigError: Batch norms cannot be synchronised on this device.
        """
        if self.config.sync_bn:
            if self.device.type != "cuda":
                raise ConfigError(f"engine.parallel.sync_bn works on CUDA devices only, not on {self.device.type}")
            nn.SyncBatchNorm.convert_sync_batchnorm(model, self._gradients)
        # told of kernels of one element, in which the strides of some dimensions mean nothing
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
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
        with self._summing():
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

    @contextlib.contextmanager
    def _summing(self) -> Iterator[None]:
        with self._talking("summing gradients"):
            try:
                yield
            except RuntimeError as error:
                if "Expected to have finished reduction" not in str(error):
                    raise
                raise RunError(
                    "in the step before, parameters that had a gradient at first got none: "
                    f"{self._named_in(error)}. They are used in some steps only: set engine.parallel.find_unused = true"
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
