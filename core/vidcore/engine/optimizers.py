"""The core's optimizers: those of torch, by configuration.

A component of kind `optimizer` is called with its config and with parameter groups that already have their `lr` and
`weight_decay`; see `vidcore.engine.groups`.
"""

from __future__ import annotations

from typing import Any

import torch

from vidcore.engine.config import AdamW, Sgd, TorchOptimizer

Groups = list[dict[str, Any]]


def sgd(config: Sgd, param_groups: Groups) -> torch.optim.Optimizer:
    """`torch.optim.SGD`."""
    return torch.optim.SGD(
        param_groups,
        lr=config.lr,
        momentum=config.momentum,
        dampening=config.dampening,
        nesterov=config.nesterov,
        **kernels_of(config, param_groups),
    )


def adamw(config: AdamW, param_groups: Groups) -> torch.optim.Optimizer:
    """`torch.optim.AdamW`."""
    kernels = kernels_of(config, param_groups)
    return torch.optim.AdamW(param_groups, lr=config.lr, betas=config.betas, eps=config.eps, **kernels)


def kernels_of(config: TorchOptimizer, param_groups: Groups) -> dict[str, bool]:
    """Whether the optimizer uses one kernel for all parameters, lists of them, or one after another.

    `auto` is what is fastest: fused wherever torch has it. On a CPU, one thread, that takes 0.44 of the time of a loop
    for SGD over ResNet-50, 0.28 for AdamW, and less for small tensors; tests/benchmarks/optimizers.py.
    """
    kernels = config.kernels
    if kernels == "auto":
        parameters = [parameter for group in param_groups for parameter in group["params"]]
        devices = {parameter.device.type for parameter in parameters}
        sharded = any(hasattr(parameter, "full_tensor") for parameter in parameters)  # torch fuses no SGD over those
        kernels = "foreach" if sharded else "fused" if devices <= {"cuda", "cpu"} else "loop"
    return {"fused": kernels == "fused", "foreach": kernels == "foreach"}


def set_learning_rates(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Multiply every group's rate by the schedule's factor."""
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor
