"""Fully sharded training: every process keeps a part of the weights, of their gradients and of the optimizer's state.

Route: `shard` cuts the blocks that the model declares, then the rest; a block's weights are gathered just before they
are needed and its gradients summed as soon as they are there (torch's fully_shard). `whole` puts a model together
again, to be measured and kept. `save` and `read` are checkpoints of which each process has its part.

As in data parallel training, gradients are summed and not averaged: a chunk's loss is already divided by the number of
chunks of the step.
"""

from __future__ import annotations

import contextlib
import copy
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemWriter
from torch.distributed.checkpoint.state_dict_saver import async_save, save
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.modules.batchnorm import _NormBase

from vidcore.engine.checkpoints import Checkpoint, Checkpoints
from vidcore.engine.parallel import Parallel
from vidcore.engine.stopping import RunStopped
from vidcore.errors import ConfigError, RunError
from vidcore_parallel import sharded_files
from vidcore_parallel.config import Fsdp
from vidcore_parallel.connection import first_line, started_alone
from vidcore_parallel.processes import Processes
from vidcore_parallel.statistics import SharedStatistics

T = TypeVar("T")
log = logging.getLogger("vidcore.parallel")
_DTYPES = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
_Parts = Mapping[str, Mapping[str, Tensor]]


def open_fsdp(config: Fsdp, device: torch.device) -> contextlib.AbstractContextManager[Parallel]:
    """This process among those that a launcher started; by itself where none did."""
    return contextlib.nullcontext(Alone(device)) if started_alone() else ShardedParallel(config, device)


class Alone(Parallel):
    """One process, which keeps everything and can go on with what several have saved."""

    def read(self, checkpoint: Checkpoint, name: str) -> Mapping[str, Tensor]:
        """Whole tensors, from whichever kind of checkpoint."""
        if not sharded_files.is_sharded(checkpoint.path):
            return checkpoint.tensors(name)
        found = sharded_files.sizes(checkpoint.path, name)
        tensors = {key: torch.empty(size, dtype=dtype) for key, (size, dtype) in found.items()}
        sharded_files.fill(checkpoint.path, name, tensors, None)
        return tensors


class ShardedParallel(Processes):
    """This process among those that train together, each with a part of the model."""

    def __init__(self, config: Fsdp, device: torch.device) -> None:
        super().__init__(config, device, sharded=True)
        self.config = config
        self._in_step = False
        self._writer = ThreadPoolExecutor(1, "vidcore-checkpoint")
        self._written: Future[None] | None = None

    def __enter__(self) -> ShardedParallel:
        """Find the others; see `Processes`."""
        super().__enter__()
        with self._talking("connecting"):
            self._saving: Any = self._new_group("gloo")  # of its own: it talks while training goes on
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None or isinstance(error, RunStopped):
                self._wait_until_written()
        finally:
            self._writer.shutdown(wait=False)
            self._saving = None
            super().__exit__(kind, error, trace)

    # --- the model ----------------------------------------------------------------------------------------------

    def shard(self, model: nn.Module) -> None:
        """Keep this process's part of each parameter, block by block.

        Raises:
            ConfigError: The model cannot be cut so.
        """
        if self.config.param_dtype != "fp32" and any(isinstance(module, _NormBase) for module in model.modules()):
            raise ConfigError(
                f'engine.parallel.param_dtype = "{self.config.param_dtype}": the model has batch norms, whose running '
                'statistics are fp32 and do not go with it; use "fp32", and engine.precision for the computation'
            )
        self._plain = _without_parameters(model)
        for parameter in model.parameters():
            parameter.data = parameter.data.contiguous()  # fully_shard cuts no other
        mesh = DeviceMesh.from_group(self._gradients, self.device.type)
        policy = MixedPrecisionPolicy(
            param_dtype=_DTYPES[self.config.param_dtype],
            reduce_dtype=_DTYPES[self.config.reduce_dtype] or torch.float32,
            cast_forward_inputs=self.config.param_dtype != "fp32",
        )
        declare = getattr(model, "blocks", None)
        blocks: list[nn.Module] = list(declare()) if callable(declare) else []
        for block in blocks:
            fully_shard(block, mesh=mesh, mp_policy=policy, reshard_after_forward=self.config.reshard)
        fully_shard(model, mesh=mesh, mp_policy=policy)
        for module in model.modules():
            if isinstance(module, FSDPModule):
                module.set_gradient_divide_factor(1.0)
                module.set_force_sum_reduction_for_comms(True)  # gloo knows no other
        model.__deepcopy__ = lambda memo: self._copy(model)  # type: ignore[assignment]
        self._model, self._modules = model, list(model.modules())
        mine = sum(part.to_local().numel() for part in _sharded(model).values())
        log.info("%d blocks and the rest are sharded: %s parameters a process", len(blocks), f"{mine:,}")

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model, which `shard` has prepared.

        Raises:
            ConfigError: A technique has replaced modules of it.
        """
        if list(model.modules()) != self._modules:
            raise ConfigError(
                'engine.techniques: one of them replaces modules of the model, which engine.parallel.type = "fsdp" '
                'has cut already; leave it out, or use "ddp"'
            )
        self._statistics = SharedStatistics(model, self.rank, self.world, self._gradients)
        model.register_forward_hook(lambda *_: self._statistics.chunk_done())
        return model

    def chunk(self, work: Callable[[], T], *, last: bool) -> T:
        """Forward and backward; gradients and running statistics are shared at the last chunk of a step."""
        with self._talking("gathering weights and summing gradients"):
            if not self._in_step:
                self._statistics.begin()
            self._in_step = not last
            self._model.set_requires_gradient_sync(last)  # type: ignore[operator]
            result = work()
            if last:
                self._statistics.share()
        return result

    def whole(self, module: nn.Module) -> nn.Module:
        """A plain copy with all parameters, in every process; a module that has them is answered as it is."""
        _let_go(module)
        if not _sharded(module):
            return module
        with self._talking("gathering weights"):
            return _filled(self._plain, module, lambda parameter: parameter.full_tensor())

    def _copy(self, module: nn.Module) -> nn.Module:
        """A plain copy whose parameters are cut in the same way: for averages."""
        _let_go(module)
        return _filled(self._plain, module, lambda parameter: parameter.clone())

    # --- checkpoints --------------------------------------------------------------------------------------------

    def save(self, checkpoints: Checkpoints, step: int, tensors: _Parts, state: Mapping[str, Any]) -> Path | None:
        """Write a checkpoint, each process its part.

        Returns:
            The checkpoint; None while it is still being written.

        Raises:
            RunError: This one, or the one before, could not be written.
        """
        folder = self.on_first(lambda: checkpoints.begin(step))
        writer = FileSystemWriter(folder, single_file_per_rank=True, sync_files=True)
        if not self.config.async_save:
            with self._writing(step):
                save(sharded_files.flat(tensors), storage_writer=writer, process_group=self._saving)
            return self.on_first(lambda: checkpoints.finish(step, {}, state))
        begun: Any = async_save(sharded_files.flat(tensors), storage_writer=writer, process_group=self._saving)

        def finish() -> None:
            with self._writing(step):
                begun.result()
            if self.rank == 0:
                checkpoints.finish(step, {}, state)

        self._written = self._writer.submit(finish)
        return None

    def read(self, checkpoint: Checkpoint, name: str) -> Mapping[str, Tensor]:
        """This process's part of what was saved by any number of processes."""
        like = _sharded(self._model)
        if not sharded_files.is_sharded(checkpoint.path):
            return {
                key: _cut(tensor, _owner(key, tensor.shape, like)) for key, tensor in checkpoint.tensors(name).items()
            }
        tensors = {}
        for key, (size, dtype) in sharded_files.sizes(checkpoint.path, name).items():
            owner = _owner(key, size, like)
            tensors[key] = torch.empty(size, dtype=dtype) if owner is None else torch.empty_like(owner, dtype=dtype)
        with self._talking("reading a checkpoint"):
            sharded_files.fill(checkpoint.path, name, tensors, self._decisions)
        return tensors

    def on_first(self, work: Callable[[], T]) -> T:
        """What `work` answers in the first process; nothing that it writes overtakes a checkpoint."""
        self._wait_until_written()
        return super().on_first(work)

    def _wait_until_written(self) -> None:
        written, self._written = self._written, None
        if written is not None:
            written.result()

    @contextlib.contextmanager
    def _writing(self, step: int) -> Any:
        try:
            yield
        except CheckpointException as error:
            reasons = "; ".join(f"process {rank}: {first_line(why[0])}" for rank, why in error.failures.items())
            raise RunError(
                f"the checkpoint of step {step} could not be saved: {reasons}. Those before are intact; make room and "
                "run the same command again."
            ) from None


def _sharded(module: nn.Module) -> dict[str, DTensor]:
    """The parameters of which this process has a part, by name, without gradients."""
    return {name: one.detach() for name, one in module.named_parameters() if isinstance(one, DTensor)}  # type: ignore[misc]


def _let_go(module: nn.Module) -> None:
    """After a forward pass without a backward one, weights are gathered still."""
    for part in module.modules():
        if isinstance(part, FSDPModule):
            part.reshard()


def _without_parameters(model: nn.Module) -> nn.Module:
    """A copy whose parameters take no memory; their shapes and memory formats are kept."""
    memo: dict[int, Any] = {
        id(one): nn.Parameter(torch.empty_like(one, device="meta"), one.requires_grad) for one in model.parameters()
    }
    return copy.deepcopy(model, memo)


def _filled(plain: nn.Module, source: nn.Module, value: Callable[[DTensor], Tensor]) -> nn.Module:
    """A copy of `plain` with what `value` makes of the parameters of `source`, and with its buffers."""
    sources = dict(source.named_parameters())
    memo: dict[int, Any] = {}
    for name, one in plain.named_parameters():
        given = value(sources[name].detach())  # type: ignore[arg-type]
        if not isinstance(given, DTensor):
            given = torch.empty_like(one, device=given.device).copy_(given)  # in the memory format of the model
        memo[id(one)] = nn.Parameter(given, one.requires_grad)
    filled = copy.deepcopy(plain, memo)
    buffers = dict(source.named_buffers())
    with torch.no_grad():
        for name, buffer in filled.named_buffers():
            buffer.copy_(buffers[name])
    return filled


def _owner(key: str, shape: torch.Size, parameters: Mapping[str, DTensor]) -> DTensor | None:
    """The parameter of which this is the value, an average, or the optimizer's state; None: of no one."""
    for name, parameter in parameters.items():
        ours = key == name or key.endswith(f".{name}") or key.rpartition("/")[0] == name
        if ours and parameter.shape == shape:
            return parameter
    return None


def _cut(tensor: Tensor, like: DTensor | None) -> Tensor:
    if like is None:
        return tensor
    placed = tensor.to(like.device).contiguous()
    return distribute_tensor(placed, like.device_mesh, like.placements, src_data_rank=None)
