"""Schedule-free SGD and AdamW, whose mean is measured and kept while training goes on where it was.

The package's own way is to swap: `eval()` moves the parameters to the mean x, `train()` moves them back to y. There and
back rounds, so a run that is measured, or saved by a signal, would differ from one that is not. Here x is computed into
a copy of the model, and the optimizer stays in training for ever. Letters of the paper: x mean, y trained, z base.
"""

from __future__ import annotations

import copy
import logging
from typing import Any

import schedulefree
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from vidcore.engine.config import Constant
from vidcore.engine.parts import Parts, Technique
from vidcore.errors import ConfigError
from vidcore_schedulefree.config import ScheduleFree as Config
from vidcore_schedulefree.config import ScheduleFreeAdamW, ScheduleFreeSGD

log = logging.getLogger("vidcore.schedulefree")


class ScheduleFree(Technique):
    """What both optimizers do beside a step."""

    param_groups: list[dict[str, Any]]
    state: dict[Tensor, dict[str, Any]]

    def begin(self, model: nn.Module, parts: Parts, steps_per_epoch: int) -> None:
        """Enter training, and look at what does not go with it.

        Raises:
            ConfigError: There is a schedule, of the rate or of the momentum.
        """
        schedule = parts.experiment.schedule
        if not isinstance(schedule, Constant):
            raise ConfigError(
                'schedule: a schedule-free optimizer takes none; use "constant", with a warm-up or without'
            )
        names = [type(one).__name__ for one in parts.techniques.values()]
        if "MomentumSchedule" in names:  # y = (1 - momentum) z + momentum x: of every step, or x is not known
            raise ConfigError("engine.techniques: the momentum of a schedule-free optimizer may not change")
        for group in self.param_groups:
            group["train_mode"] = True
        if any(isinstance(part, _NormBase) for part in model.modules()) and "PreciseStatistics" not in names:
            log.warning("running statistics do not fit the mean of the weights; add the technique precise-bn")

    @torch.no_grad()
    def weights(self, module: nn.Module, step: int, *, thorough: bool) -> nn.Module:
        """A copy at the mean."""
        copied = copy.deepcopy(module)
        parameters = dict(copied.named_parameters())
        for group in self.param_groups:
            share = group["momentum"] if "momentum" in group else group["betas"][0]
            for name, trained in zip(group["names"], group["params"], strict=True):
                if "z" in self.state.get(trained, {}):
                    parameters[name].copy_(torch.lerp(trained, self.state[trained]["z"], 1 - 1 / share))
        return copied


class Sgd(schedulefree.SGDScheduleFree, ScheduleFree):
    """SGD."""


class AdamW(schedulefree.AdamWScheduleFree, ScheduleFree):
    """AdamW."""


def schedule_free_sgd(config: ScheduleFreeSGD, param_groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """`schedulefree.SGDScheduleFree`."""
    return Sgd(param_groups, lr=config.lr, momentum=config.momentum, **_averaging(config))


def schedule_free_adamw(config: ScheduleFreeAdamW, param_groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """`schedulefree.AdamWScheduleFree`."""
    return AdamW(param_groups, lr=config.lr, betas=(config.beta1, config.beta2), eps=config.eps, **_averaging(config))


def _averaging(config: Config) -> dict[str, float]:
    return {"r": config.r, "weight_lr_power": config.weight_lr_power}
