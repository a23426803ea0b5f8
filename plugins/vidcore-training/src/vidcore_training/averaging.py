"""Stochastic weight averaging: the mean of the weights that training passes through late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_swa_multi_avg_fn

from vidcore.engine.parts import Parts, Technique
from vidcore_training.config import Swa

_MEAN = get_swa_multi_avg_fn()


class StochasticAverage(Technique):
    """The mean, kept beside the model; it is measured and kept from the first weights in it on."""

    def __init__(self, config: Swa) -> None:
        self.config = config

    def begin(self, model: nn.Module, parts: Parts, steps_per_epoch: int) -> None:
        """Of no weights yet."""
        epochs = parts.experiment.engine.epochs
        first_epoch = int(round(self.config.start * epochs, 6))  # 0.29 x 100 is 28.999999999999996
        self.first = first_epoch * steps_per_epoch  # the step, from 0, at which the rate stays
        self.every = self.config.every or steps_per_epoch
        self.average = AveragedModel(model, multi_avg_fn=mean_of_floats, use_buffers=True)

    def before_step(self, optimizer: torch.optim.Optimizer, step: int) -> None:
        """From the first step on the rate stays, if it is told which; the mean begins."""
        if step == self.first:  # what a shorter run took in, before it was extended, is none of the last epochs
            self.average.n_averaged.zero_()
        if self.config.lr_factor is not None and step >= self.first:
            for group in optimizer.param_groups:
                group["lr"] = group["base_lr"] * self.config.lr_factor

    def after_step(self, model: nn.Module, step: int) -> None:
        """Take the weights in, where it is time."""
        done = step + 1 - self.first
        if done > 0 and done % self.every == 0:
            self.average.update_parameters(model)

    def weights(self, module: nn.Module, step: int, *, thorough: bool) -> nn.Module:
        """The mean, once there is one."""
        return self.average.module if step > self.first and int(self.average.n_averaged) else module

    def tensors(self) -> Mapping[str, Tensor]:
        """The mean, and of how many."""
        return self.average.state_dict()

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Exactly these."""
        self.average.load_state_dict(dict(tensors))


def mean_of_floats(averaged: Sequence[Tensor], current: Sequence[Tensor], count: Tensor | int) -> None:
    """Torch's own mean; counters of batch norms, which are integers, are those of the newest weights."""
    if averaged[0].is_floating_point():
        _MEAN(averaged, current, count)
        return
    for mine, newest in zip(averaged, current, strict=True):
        mine.copy_(newest)
