"""The loss of actions in regions. Letters: R regions, K classes."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from vidcore_detection.config import Focal


def action_loss(logits: Tensor, labels: Tensor, focal: Focal, *, multi_label: bool) -> Tensor:
    """Cross entropy over the regions that have a label, weighted by how hard they are.

    Several labels a region: binary cross entropy of each class on its own. One: softmax cross entropy; where a region
    has several all the same, they share it.

    Args:
        logits: `[R, K]`.
        labels: 0 or 1, `[R, K]`; rows without a label do not count.
        focal: Its weight.
        multi_label: Which of the two.

    Returns:
        A scalar; 0 where no region has a label.
    """
    labelled = labels.sum(dim=1) > 0
    if multi_label:
        entropy = F.binary_cross_entropy_with_logits(logits.float(), labels, reduction="none")
        weight = labelled[:, None].expand_as(entropy)
    else:
        shares = labels / labels.sum(dim=1, keepdim=True).clamp_min(1)
        entropy = F.cross_entropy(logits.float(), shares, reduction="none")
        weight = labelled
    hardness = focal.alpha * (1 - (-entropy).exp()) ** focal.gamma
    return (hardness * entropy * weight).sum() / weight.sum().clamp_min(1)
