"""A loss for labels of several kinds, some of which are unknown. Letters: N rows, K classes, G groups of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidcore.errors import ConfigError

if TYPE_CHECKING:
    from vidcore_recognition.losses.config import GroupedBce


class GroupedBceLoss(nn.Module):
    """Binary cross entropy over groups of classes, such as actions, scenes and objects (HVU, arXiv:1904.11451).

    A label that is nan is unknown: nobody looked whether the class is there.
    """

    def __init__(self, config: GroupedBce) -> None:
        super().__init__()
        self.config = config
        self._weights = torch.tensor(config.group_weights or [1.0] * len(config.groups))

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean loss of logits `[N, K]` for labels `[N, K]`, a scalar."""
        loss, known = self._entries(logits, target)
        if self.config.average == "groups":
            total = torch.stack(self.group_losses(logits, target)) @ self.shares(target)
        elif self.config.reduction == "sum":
            total = (loss * known).sum(dim=1).mean()
        else:
            total = ((loss * known).sum(dim=1) / known.sum(dim=1).clamp_min(1)).mean()
        return self.config.weight * total

    def shares(self, target: Tensor) -> Tensor:
        """How much each group counts for labels `[N, K]`: a group that no row knows has no share, `[G]`."""
        known = self._known(target).split(self.config.groups, 1)
        weights = self._weights.to(target.device) * torch.stack([there.any() for there in known])
        return weights / weights.sum().clamp_min(torch.finfo(weights.dtype).tiny)

    def group_losses(self, logits: Tensor, target: Tensor) -> list[Tensor]:
        """The mean loss of each group over rows that know it, in the order of `groups`."""
        loss, known = self._entries(logits, target)
        parts = []
        for entries, there in zip(loss.split(self.config.groups, 1), known.split(self.config.groups, 1), strict=True):
            rows = (entries * there).sum(dim=1)
            if self.config.reduction == "mean":
                rows = rows / there.sum(dim=1).clamp_min(1)
            parts.append(rows.sum() / there.any(dim=1).sum().clamp_min(1))
        return parts

    def _entries(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of every entry, and which entries count."""
        if logits.shape[1] != sum(self.config.groups) or target.shape != logits.shape:
            raise ConfigError(
                f"task.loss.groups has {sum(self.config.groups)} classes in all, but the model answers "
                f"{logits.shape[1]} and labels are {list(target.shape)}; give the size of each group, in the order of "
                "the data's classes, and labels one a class"
            )
        loss = F.binary_cross_entropy_with_logits(logits.float(), target.float().nan_to_num(0.0), reduction="none")
        return loss, self._known(target)

    def _known(self, target: Tensor) -> Tensor:
        return ~target.isnan() if self.config.unknown == "skip" else torch.ones_like(target, dtype=torch.bool)
