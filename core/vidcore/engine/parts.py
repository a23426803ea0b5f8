"""What an experiment is made of when it runs, and what a technique is, which is one of these parts and is given them.

A technique takes part in training beside the loop: averages of weights, other batches, statistics measured anew. It is
a component of kind `technique`, named under `[engine.techniques.NAME]`: unlike a callback it may change what is
computed, so it belongs to what makes a run repeatable. All of its decisions follow from the number of the step and from
tensors that it keeps in checkpoints. Every process of a run has its techniques. An optimizer that keeps other weights
for measuring than for training inherits `Technique`, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from attrs import field, frozen
from torch import Tensor, nn

from vidcore.config.experiment import Experiment
from vidcore.data.plan import Plan
from vidcore.engine.parallel import Parallel
from vidcore.engine.precision import Precision
from vidcore.interfaces import Dataset, Metric, Task
from vidcore.plugins import build


@frozen(kw_only=True, eq=False)
class Parts:
    """What an experiment is made of, apart from the model's weights."""

    experiment: Experiment  # with the number of classes filled in
    classes: tuple[str, ...]
    datasets: dict[str, Dataset]  # by split
    task: Task
    parallel: Parallel
    precision: Precision
    techniques: Mapping[str, Technique] = field(factory=dict)  # by name, in order

    @property
    def device(self) -> torch.device:
        """Of this process."""
        return self.parallel.device

    @property
    def chunks(self) -> int:
        """Of a step, all processes together."""
        return self.experiment.engine.accumulate or self.parallel.world

    @property
    def clips_per_step(self) -> int:
        """Of training, all processes together."""
        train: Any = self.experiment.data.train
        return int(train.batch_size) * self.chunks

    def data_facts(self) -> dict[str, Any]:
        """What may not change while a run lasts: a step is a number, and which samples it takes follows from these."""
        sizes = {f"samples of data.{split}": len(dataset) for split, dataset in self.datasets.items()}
        return {**sizes, **{f"class {index}": name for index, name in enumerate(self.classes)}}

    def metrics(self) -> dict[str, Metric]:
        """New ones, which have gathered nothing."""
        return {name: build(config, self.classes) for name, config in self.experiment.metrics.items()}


# --8<-- [start:technique]
class Technique:
    """The moments at which one may act; here, at none of them, anything happens."""

    def begin(self, model: nn.Module, parts: Parts, steps_per_epoch: int) -> None:
        """The model has its first weights and is not compiled yet; modules in it may be replaced, names may not."""

    def plan(self, plan: Plan) -> Plan:
        """Which samples each step of training takes."""
        return plan

    def dataset(self, dataset: Dataset) -> Dataset:
        """The samples of training; pickled to workers."""
        return dataset

    def before_step(self, optimizer: torch.optim.Optimizer, step: int) -> None:
        """Step `step`, counted from 0, is about to be taken, with the rates of the schedule in the groups."""

    def after_step(self, model: nn.Module, step: int) -> None:
        """The weights have changed."""

    def weights(self, module: nn.Module, step: int, *, thorough: bool) -> nn.Module:
        """What is measured and kept in place of `module`, which stays as it is.

        Args:
            module: The model, or what the technique before this one made of it.
            step: Steps done.
            thorough: An epoch is done; what takes time happens now only.
        """
        return module

    def tensors(self) -> Mapping[str, Tensor]:
        """What a checkpoint must hold of this technique."""
        return {}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `tensors` gave, after `begin`."""


# --8<-- [end:technique]
