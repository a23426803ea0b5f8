"""A momentum that changes while training goes on."""

from __future__ import annotations

import torch
from torch import nn

from vidcore.engine.parts import Parts, Technique
from vidcore.errors import ConfigError
from vidcore.plugins import build
from vidcore_training.config import Momentum


class MomentumSchedule(Technique):
    """Sets the momentum of every group before each step."""

    def __init__(self, config: Momentum) -> None:
        self.config, self.schedule = config, build(config.schedule)

    def begin(self, model: nn.Module, parts: Parts, steps_per_epoch: int) -> None:
        """How long training takes."""
        self.steps_per_epoch, self.epochs = steps_per_epoch, parts.experiment.engine.epochs

    def at(self, step: int) -> float:
        """The momentum of a step."""
        factor = self.schedule.factor(step, self.steps_per_epoch, self.epochs)
        momentum: float = self.config.at_zero + (self.config.at_one - self.config.at_zero) * factor
        return momentum

    def before_step(self, optimizer: torch.optim.Optimizer, step: int) -> None:
        """Set it.

        Raises:
            ConfigError: The optimizer has none.
        """
        momentum = self.at(step)
        for group in optimizer.param_groups:
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            elif "momentum" in group:
                group["momentum"] = momentum
            else:
                raise ConfigError(f"engine.techniques: {type(optimizer).__name__} has neither a momentum nor betas")
