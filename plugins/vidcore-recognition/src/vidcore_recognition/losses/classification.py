"""Losses of one row of class scores against its target.

Letters: N rows, K classes. A target is int64 `[N]` (the class) or float `[N, K]` (how much of each class).
Everything is computed in float32, whatever the precision of the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidcore.errors import ConfigError

if TYPE_CHECKING:
    from vidcore_recognition.losses.config import Bce, CrossEntropy, Nll


class CrossEntropyLoss(nn.Module):
    """Softmax cross entropy.

    With class weights the sum is divided by the weight of the targets (`sum weight * target`), for soft targets just as
    for hard ones: a soft target that is one-hot then costs what the class itself costs.
    """

    def __init__(self, config: CrossEntropy) -> None:
        super().__init__()
        self.config = config
        self.class_weights = _ClassWeights(config.class_weights)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean loss of logits `[N, K]`, a scalar."""
        logits, smoothing = logits.float(), self.config.label_smoothing
        weights = self.class_weights.on(logits)
        if not target.is_floating_point() and not smoothing:
            return self.config.weight * F.cross_entropy(logits, target, weights)
        soft = _soft(target, logits)
        soft = soft * (1 - smoothing) + smoothing / logits.shape[1]
        return self.config.weight * _soft_nll(F.log_softmax(logits, dim=1), soft, weights)


class BceLoss(nn.Module):
    """Binary cross entropy with logits, averaged over rows and classes."""

    def __init__(self, config: Bce) -> None:
        super().__init__()
        self.config = config
        self.class_weights = _ClassWeights(config.class_weights)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean loss of logits `[N, K]`, a scalar. A hard target `[N]` counts as its one-hot row."""
        logits, smoothing = logits.float(), self.config.label_smoothing
        soft = _soft(target, logits) * (1 - smoothing) + smoothing / 2
        weights = self.class_weights.on(logits)
        return self.config.weight * F.binary_cross_entropy_with_logits(logits, soft, weights)


class NllLoss(nn.Module):
    """Negative log likelihood of log probabilities."""

    def __init__(self, config: Nll) -> None:
        super().__init__()
        self.config = config
        self.class_weights = _ClassWeights(config.class_weights)

    def forward(self, log_probs: Tensor, target: Tensor) -> Tensor:
        """Mean loss of log probabilities `[N, K]`, a scalar."""
        log_probs = log_probs.float()
        weights = self.class_weights.on(log_probs)
        if not target.is_floating_point():
            return self.config.weight * F.nll_loss(log_probs, target, weights)
        return self.config.weight * _soft_nll(log_probs, target.float(), weights)


class _ClassWeights:
    """A weight for each class, kept on the device of the logits that were seen last."""

    def __init__(self, weights: tuple[float, ...]) -> None:
        self._tensor = torch.tensor(weights, dtype=torch.float32) if weights else None

    def on(self, logits: Tensor) -> Tensor | None:
        if self._tensor is None:
            return None
        if len(self._tensor) != logits.shape[1]:
            raise ConfigError(
                f"task.loss.class_weights has {len(self._tensor)} values, but the model answers {logits.shape[1]} "
                "classes; give one weight for each class, in the order of the data's classes"
            )
        self._tensor = self._tensor.to(logits.device)
        return self._tensor


def _soft(target: Tensor, logits: Tensor) -> Tensor:
    """The target as float32 rows `[N, K]`."""
    return target.float() if target.is_floating_point() else F.one_hot(target, logits.shape[1]).float()


def _soft_nll(log_probs: Tensor, soft: Tensor, weights: Tensor | None) -> Tensor:
    if weights is None:
        return -(soft * log_probs).sum(dim=1).mean()
    weighted = soft * weights
    return -(weighted * log_probs).sum() / weighted.sum()
