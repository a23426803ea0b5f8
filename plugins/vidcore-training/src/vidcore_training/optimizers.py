"""Optimizers beyond those of the core."""

from __future__ import annotations

import torch

from vidcore.engine.optimizers import Groups, kernels_of
from vidcore_training.config import Adam


def adam(config: Adam, param_groups: Groups) -> torch.optim.Optimizer:
    """`torch.optim.Adam`."""
    kernels = kernels_of(config, param_groups)
    return torch.optim.Adam(param_groups, lr=config.lr, betas=config.betas, eps=config.eps, **kernels)
