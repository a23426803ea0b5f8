"""Losses for classes of which some have many samples and others few. Letters: N rows, K classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidcore.errors import ConfigError

if TYPE_CHECKING:
    from vidcore_recognition.losses.config import ClassBalancedFocal


class ClassBalancedFocalLoss(nn.Module):
    """Sigmoid focal loss, each row weighted by how few samples its classes have.

    A class of n samples counts as `(1 - beta^n) / (1 - beta)` effective ones and is weighted by one over that; weights
    are scaled to an average of 1. Cui et al., CVPR 2019, arXiv:1901.05555, equations 12 and 13.
    """

    def __init__(self, config: ClassBalancedFocal) -> None:
        super().__init__()
        self.config = config
        effective = 1 - torch.tensor(config.beta, dtype=torch.float64) ** torch.tensor(config.samples)
        weights = (1 - config.beta) / effective
        self._weights = (weights / weights.mean()).float()

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of logits `[N, K]` for a label, a scalar. The target is `[N]` or `[N, K]`."""
        if logits.shape[1] != len(self._weights):
            raise ConfigError(
                f"task.loss.samples has {len(self._weights)} values, but the model answers {logits.shape[1]} classes; "
                "give the number of training samples of each class, in the order of the data's classes"
            )
        logits, gamma = logits.float(), self.config.gamma
        soft = target.float() if target.is_floating_point() else F.one_hot(target, logits.shape[1]).float()
        self._weights = self._weights.to(logits.device)
        loss = F.binary_cross_entropy_with_logits(logits, soft, reduction="none")
        # in logarithms: (1 - p)^gamma where the label is, p^gamma elsewhere
        loss = loss * torch.exp(-gamma * (soft * logits + F.softplus(-logits)))
        rows = (soft * self._weights).sum(dim=1, keepdim=True)  # [N, 1]
        return self.config.weight * (rows * loss).sum() / soft.sum()
