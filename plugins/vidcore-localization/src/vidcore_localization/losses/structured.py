"""Losses of structured segment networks (Zhao et al., arXiv:1704.06228), for authors of such models.

Letters: N videos, P proposals of each, R proposals in all, K classes (1 ... K; 0 is the background).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from attrs import frozen
from torch import Tensor, nn

from vidcore.errors import ConfigError

if TYPE_CHECKING:
    from vidcore_localization.losses.config import HardHinge

POSITIVE, INCOMPLETE, BACKGROUND = 0, 1, 2


@frozen(kw_only=True)
class ProposalMix:
    """How the proposals of a video are made up, in shares of each other."""

    per_video: int = 8
    positive: int = 1
    background: int = 1
    incomplete: int = 6

    @property
    def positives(self) -> int:
        """Positive proposals of a video."""
        return int(self.per_video * self.positive / (self.positive + self.background + self.incomplete))

    @property
    def incompletes(self) -> int:
        """Incomplete proposals of a video."""
        return int(self.per_video * self.incomplete / (self.positive + self.background + self.incomplete))


def hard_hinge(scores: Tensor, labels: Tensor, sign: int, share: float, group: int) -> Tensor:
    """Hinge loss of the hardest entries of each group, summed.

    Args:
        scores: Of completeness, `[R, K]`.
        labels: 1 ... K, `[R]`.
        sign: 1 where the proposals are complete, -1 where they are not.
        share: Of a group that counts, the hardest first.
        group: Entries of a group, one after the other.

    Raises:
        ValueError: There are not as many labels as scores.
    """
    if len(scores) != len(labels):
        raise ValueError(f"{len(scores)} rows of scores for {len(labels)} labels; give one label a row")
    own = scores[torch.arange(len(labels), device=scores.device), labels - 1]
    losses = (1 - sign * own).clamp(min=0).view(-1, group)
    return losses.topk(int(group * share), dim=1).values.sum()


class HardHingeLoss(nn.Module):
    """Hinge loss of the class of each row, of the hardest rows of a batch, summed."""

    def __init__(self, config: HardHinge) -> None:
        super().__init__()
        self.config = config

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of logits `[N, K]` for classes `[N]`, a scalar. At least one row counts.

        Raises:
            ConfigError: Targets are not one class a row.
        """
        if target.is_floating_point() or target.dim() != 1:
            raise ConfigError("task.loss hard-hinge needs one class a sample; not several labels, mixup or cutmix")
        share = max(self.config.share, 1 / len(logits))
        return self.config.weight * hard_hinge(logits.float(), target + 1, 1, share, len(logits))


def activity_loss(scores: Tensor, labels: Tensor, kinds: Tensor) -> Tensor:
    """Cross entropy of positive and background proposals: scores `[R, 1 + K]`, labels `[R]`, kinds `[R]`."""
    counted = kinds != INCOMPLETE
    return F.cross_entropy(scores[counted], labels[counted])


def completeness_loss(scores: Tensor, labels: Tensor, kinds: Tensor, mix: ProposalMix) -> Tensor:
    """Positive proposals should be complete, the hardest of the incomplete ones not, for each entry that counts."""
    counted = kinds != BACKGROUND
    group = mix.positives + mix.incompletes
    scores = scores[counted].view(-1, group, scores.shape[1])
    labels = labels[counted].view(-1, group)
    share = mix.positives / mix.incompletes
    positive = hard_hinge(
        scores[:, : mix.positives].flatten(0, 1), labels[:, : mix.positives].flatten(), 1, 1.0, mix.positives
    )
    incomplete = hard_hinge(
        scores[:, mix.positives :].flatten(0, 1), labels[:, mix.positives :].flatten(), -1, share, mix.incompletes
    )
    num_positives = labels[:, : mix.positives].numel()
    num_incomplete = int(labels[:, mix.positives :].numel() * share)
    return (positive + incomplete) / (num_positives + num_incomplete)


def regression_loss(predicted: Tensor, labels: Tensor, target: Tensor, kinds: Tensor) -> Tensor:
    """Smooth L1 of centre and length of positive proposals: predicted `[R, K, 2]`, target `[R, 2]`; times two."""
    counted = kinds == POSITIVE
    own = predicted[counted][torch.arange(int(counted.sum()), device=predicted.device), labels[counted] - 1]
    return F.smooth_l1_loss(own, target[counted]) * 2
