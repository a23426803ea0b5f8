"""Which proposals take the labels of which annotated box, and which regions a training step uses.

Nothing here waits for the device: shapes depend on the numbers of boxes alone.
Letters: P proposals, G annotated boxes, K classes, R regions that are used.
"""

from __future__ import annotations

import numpy as np
import torch
from attrs import frozen
from torch import Tensor
from torchvision.ops import box_iou

from vidcore_detection.config import Matching

IGNORED, NEGATIVE = -1, 0  # anything above is the number of an annotated box, from 1


@frozen(eq=False)
class Assignment:
    """What each proposal was matched with."""

    boxes: Tensor  # int64 [P]: IGNORED, NEGATIVE, or number of the annotated box, from 1
    overlaps: Tensor  # [P]: IoU with the annotated box that fits best

    def labels(self, truth_labels: Tensor) -> Tensor:
        """Labels of each proposal, `[P, K]`; none where it has no box."""
        rows = torch.cat([truth_labels.new_zeros(1, truth_labels.shape[1]), truth_labels])
        return rows[self.boxes.clamp_min(0)]


def assign(overlaps: Tensor, config: Matching) -> Assignment:
    """Match proposals with annotated boxes by their overlap, the best box for each proposal.

    Args:
        overlaps: IoU, `[G, P]`.
        config: The bounds.
    """
    num_boxes, num_proposals = overlaps.shape
    assigned = torch.full((num_proposals,), IGNORED, device=overlaps.device)
    if num_boxes == 0:
        return Assignment(torch.zeros_like(assigned), overlaps.new_zeros(num_proposals))
    best, box = overlaps.max(dim=0)
    bounds = config.negative_iou
    low, high = bounds if isinstance(bounds, tuple) else (0.0, bounds)
    assigned = torch.where((best >= low) & (best < high), NEGATIVE, assigned)
    assigned = torch.where(best >= config.positive_iou, box + 1, assigned)
    if config.match_low_quality and num_proposals:
        for number, (row, most) in enumerate(zip(overlaps, overlaps.amax(dim=1), strict=True), start=1):
            taken = (row == most) & (most >= config.smallest_positive_iou)
            assigned = torch.where(taken, number, assigned)
    return Assignment(assigned, best)


def training_regions(
    proposals: Tensor, truth: Tensor, labels: Tensor, config: Matching, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """The regions of one sample for a training step, and their labels.

    Args:
        proposals: Pixels, `[P, 4]`.
        truth: Annotated boxes in pixels, `[G, 4]`.
        labels: Of the annotated boxes, `[G, K]`.
        config: How they are matched.
        rng: Chooses among too many; one number a region is drawn in any case.

    Returns:
        Boxes `[R, 4]`, labels `[R, K]`; R is at most `config.regions`. Those without labels teach nothing.
    """
    assignment = assign(box_iou(truth, proposals), config)
    boxes, targets, found = proposals, assignment.labels(labels), assignment.boxes
    if config.add_truth:
        boxes = torch.cat([truth, proposals])
        targets = torch.cat([labels, targets])
        found = torch.cat([torch.ones(len(truth), dtype=found.dtype, device=found.device), found])
    chance = torch.from_numpy(rng.random(len(boxes))).to(boxes.device, torch.float32)
    if len(boxes) <= config.regions:
        return boxes, targets
    kept = (found.clamp(IGNORED, 1) + chance).topk(config.regions).indices  # with labels, without, then left out
    return boxes[kept], targets[kept]
