"""The core's optimizers: those of torch, by configuration.

A component of kind `optimizer` is called with its config and with parameter groups that already have their `lr` and
`weight_decay`; see `vidcore.engine.groups`.
"""

from __future__ import annotations

from typing import Any

import torch

from vidcore.engine.config import Adam, AdamW, Sgd

Groups = list[dict[str, Any]]


def sgd(config: Sgd, param_groups: Groups) -> torch.optim.Optimizer:
    """`torch.optim.SGD`."""
    return torch.optim.SGD(
        param_groups,
        lr=config.lr,
        momentum=config.momentum,
        dampening=config.dampening,
        nesterov=config.nesterov,
        fused=_fused(param_groups),
    )


def adam(config: Adam, param_groups: Groups) -> torch.optim.Optimizer:
    """`torch.optim.Adam`."""
    return torch.optim.Adam(param_groups, lr=config.lr, betas=config.betas, eps=config.eps, fused=_fused(param_groups))


def adamw(config: AdamW, param_groups: Groups) -> torch.optim.Optimizer:
    """`torch.optim.AdamW`."""
    return torch.optim.AdamW(param_groups, lr=config.lr, betas=config.betas, eps=config.eps, fused=_fused(param_groups))


def _fused(param_groups: Groups) -> bool | None:
    """One kernel for all parameters where they are on a GPU; elsewhere torch's own choice."""
    return True if all(parameter.is_cuda for group in param_groups for parameter in group["params"]) else None


def set_learning_rates(optimizer: torch.optim.Optimizer, factor: float) -> float:
    """Multiply every group's rate by the schedule's factor; the rate of the first group, for the log."""
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor
    return float(optimizer.param_groups[0]["lr"])
