"""One process or several: what loop, evaluation, checkpoints and session need of it, and the case of one.

Every process builds the same objects and takes the same steps; process r runs the chunks r, r + world, ... of each.
Process 0 is the first: it alone writes, logs and has callbacks. How several processes talk is a component of kind
`parallel`, used where a launcher has started more than one (it sets WORLD_SIZE).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from attrs import Factory, define, evolve
from torch import Tensor, nn

from vidcore.config.experiment import Experiment
from vidcore.engine.checkpoints import Checkpoint, Checkpoints
from vidcore.engine.precision import choose_device
from vidcore.errors import ConfigError
from vidcore.plugins import build
from vidcore.plugins.discovery import default_config

T = TypeVar("T")


@define(eq=False, slots=False)
class Parallel:
    """This process among those of a run; as it stands here, it is the only one.

    All processes call the same methods in the same order.
    """

    device: torch.device
    rank: int = 0
    world: int = 1
    # how often the launcher has started these processes again
    restarts: int = Factory(lambda: int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")))
    sharded: bool = False  # each process keeps a part of the parameters, so all of them are needed to save

    def shard(self, model: nn.Module) -> None:
        """Keep a part of the parameters only, if that is the way. Called once, before an optimizer has them."""

    def wrap(self, model: nn.Module) -> nn.Module:
        """The module to call in training, so that gradients are summed over all processes. Called once."""
        return model

    def chunk(self, work: Callable[[], T], *, last: bool) -> T:
        """Run forward and backward of a chunk; after the `last` of a step all processes have the same gradients."""
        return work()

    def whole(self, module: nn.Module) -> nn.Module:
        """The module with all of its parameters, to be measured and kept: a copy where each process has a part."""
        return module

    def save(
        self, checkpoints: Checkpoints, step: int, tensors: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any]
    ) -> Path | None:
        """Write a checkpoint: the first process alone, or all if `sharded`. None: it is being written meanwhile."""
        return checkpoints.save(step, tensors, state)

    def read(self, checkpoint: Checkpoint, name: str) -> Mapping[str, Tensor]:
        """What `save` was given under this name: this process's part of it if `sharded`."""
        return checkpoint.tensors(name)

    def gather(self, value: T) -> list[T]:
        """The values of all processes, by rank. Tensors have the same shape everywhere, and may come on the CPU."""
        return [value]

    def agree(self, value: int) -> int:
        """The largest value of all processes."""
        return value

    def on_first(self, work: Callable[[], T]) -> T:
        """What `work` answers in the first process; where it raises, all leave."""
        return work()


def open_parallel(experiment: Experiment) -> contextlib.AbstractContextManager[Parallel]:
    """What `[engine.parallel]` says, or "ddp" where there are several processes. Leaving the context ends their talk.

    Raises:
        PluginError: The plugin that connects them is missing.
        RunError: They cannot reach each other.
    """
    device, world = choose_device(experiment.engine.device), os.environ.get("WORLD_SIZE", "1")
    config: Any = experiment.engine.parallel
    if world == "1" and config is None:
        return contextlib.nullcontext(Parallel(device))
    if config is None:
        config = default_config("parallel", "ddp", f"{world} processes were started, and ")
    opened: contextlib.AbstractContextManager[Parallel] = build(config, device)
    return opened


def share_chunks(experiment: Experiment, world: int, before: Mapping[str, Any]) -> Experiment:
    """The experiment with its number of chunks a step: its own, or what the run began with (`before`), or one each.

    Raises:
        ConfigError: The processes cannot share them evenly.
    """
    chunks = experiment.engine.accumulate or before.get("engine", {}).get("accumulate") or world
    if chunks % world:
        fitting = ", ".join(str(count) for count in range(1, chunks + 1) if chunks % count == 0)
        raise ConfigError(
            f"engine.accumulate: a step has {chunks} chunks, which {world} processes cannot share evenly; start one of "
            f"{fitting} processes, or begin another run (--name, --fresh) with a multiple of {world}"
        )
    return evolve(experiment, engine=evolve(experiment.engine, accumulate=chunks))
