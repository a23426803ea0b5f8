"""What takes part in training beside the loop: averages of weights, other batches, statistics measured anew.

A technique is a component of kind `technique`, named under `[engine.techniques.NAME]`: unlike a callback it may change
what is computed, so it belongs to what makes a run repeatable. All of its decisions follow from the number of the step
and from tensors that it keeps in checkpoints. Every process of a run has its techniques. An optimizer that keeps other
weights for measuring than for training inherits `Technique`, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from vidcore.config.experiment import Ema
from vidcore.data.plan import Plan
from vidcore.interfaces import Dataset

if TYPE_CHECKING:
    from vidcore.engine.assembly import Parts


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


class Average(Technique):
    """An exponential moving average of the weights, kept beside the model: `engine.ema`.

    Running statistics are averaged with the parameters: those of the current weights do not fit averaged ones, and
    while the learning rate is high a network evaluated with them is right by chance only.
    """

    def __init__(self, config: Ema) -> None:
        self.config = config

    def begin(self, model: nn.Module, parts: Parts | None, steps_per_epoch: int) -> None:
        """The average starts as the weights after the first step."""
        decide = get_ema_multi_avg_fn(self.config.decay)  # type: ignore[no-untyped-call]
        self.average = AveragedModel(model, multi_avg_fn=by_class(decide), use_buffers=True)

    def after_step(self, model: nn.Module, step: int) -> None:
        """Move towards the new weights."""
        self.average.update_parameters(model)

    def weights(self, module: nn.Module, step: int, *, thorough: bool) -> nn.Module:
        """The average."""
        averaged: nn.Module = self.average.module
        return averaged

    def tensors(self) -> Mapping[str, Tensor]:
        """The average, and of how many steps it is."""
        return self.average.state_dict()

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Exactly these."""
        self.average.load_state_dict(dict(tensors))


def by_class(decide: Callable[..., object]) -> Callable[..., None]:
    """Average the tensors of each class by themselves: parts of parameters do not go with whole buffers in one call."""

    def average(averaged: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        for kind in dict.fromkeys(map(type, averaged)):
            chosen = [number for number, tensor in enumerate(averaged) if type(tensor) is kind]
            decide([averaged[number] for number in chosen], [current[number] for number in chosen], count)

    return average
