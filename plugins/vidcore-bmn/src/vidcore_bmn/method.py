"""How BMN learns, and how its maps become proposals.

Letters: N videos, T moments, D durations (as many), G true segments, P proposals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from attrs import evolve, frozen
from torch import Tensor

from vidcore.interfaces import Loss
from vidcore.values import Batch
from vidcore_bmn.config import BoundaryMatching as BoundaryMatchingConfig
from vidcore_bmn.model import BoundaryMaps
from vidcore_bmn.sampling import cells, spans
from vidcore_localization.losses.boundaries import EPSILON, balanced_logistic, balanced_weights
from vidcore_localization.segments import Array, bins, boundary_targets, pairwise_iou, peaks

BOUNDARY_WIDTH = 3  # moments around a boundary that count as near


@frozen(kw_only=True, eq=False)
class MapTargets:
    """What the network should say of some videos."""

    iou: Tensor  # of each cell with the true segment that it fits best, [N, D, T]
    start: Tensor  # how much of each moment is near a start, [N, T]
    end: Tensor  # [N, T]


class BoundaryMatching:
    """See `vidcore_bmn.config.BoundaryMatching`."""

    def __init__(self, config: BoundaryMatchingConfig) -> None:
        self.config = config

    def prepare(self, batch: Batch, rng: np.random.Generator, training: bool) -> Batch:
        """In training: uniform numbers `[2, N, D, T]` that choose which cells the regression looks at."""
        if not training:
            return batch
        features: Tensor = batch.inputs["features"]
        length = features.shape[-1]
        drawn = torch.from_numpy(rng.random((2, len(batch), length, length), dtype=np.float32)).to(features.device)
        return evolve(batch, draws={**batch.draws, "balance": drawn})

    def loss(self, outputs: BoundaryMaps, batch: Batch) -> Loss:
        """Boundaries, regressed IoU and classification, weighted."""
        spans_of = [value.cpu().numpy() for value in batch.target["spans"]]
        targets = map_targets(spans_of, outputs["start"].shape[-1], outputs["start"].device)
        return map_loss(outputs, targets, batch.draws["balance"], self.config)

    def proposals(self, outputs: BoundaryMaps, batch: Batch) -> list[dict[str, Any]]:
        """Pairs of boundaries, scored by both boundaries and both maps."""
        maps = [
            value.detach().float().cpu().numpy() for value in (outputs["confidence"], outputs["start"], outputs["end"])
        ]
        peak = self.config.peak
        found = [pair_boundaries(maps[0][i], maps[1][i], maps[2][i], peak) for i in range(len(batch))]
        return [{"segments": segments, "scores": scores} for segments, scores in found]


def map_targets(segments: Sequence[Array], length: int, device: torch.device | str = "cpu") -> MapTargets:
    """Targets for the true segments of some videos, `[G, 2]` each, as fractions of the video."""
    candidates, anchors = spans(length).reshape(-1, 2), bins(length, lead=-0.5, tail=1.5)
    ious, starts, ends = [], [], []
    for truths in segments:
        truths = truths.astype(np.float64)
        best = pairwise_iou(truths, candidates).max(axis=0) if len(truths) else np.zeros(len(candidates))
        widths = np.full(len(truths), BOUNDARY_WIDTH / length)
        ious.append(best.reshape(length, length))
        starts.append(boundary_targets(truths[:, 0], widths, anchors))
        ends.append(boundary_targets(truths[:, 1], widths, anchors))
    tensors = (torch.tensor(np.array(values), dtype=torch.float32, device=device) for values in (ious, starts, ends))
    return MapTargets(**dict(zip(("iou", "start", "end"), tensors, strict=True)))


def map_loss(outputs: BoundaryMaps, targets: MapTargets, drawn: Tensor, config: BoundaryMatchingConfig) -> Loss:
    """The loss of the paper: boundaries + regression x 10 + classification.

    Args:
        outputs: Of N videos.
        targets: Of the same.
        drawn: Uniform numbers, `[2, N, D, T]`: for medium, and for low candidates.
        config: Weights and thresholds.
    """
    mask = candidate_mask(targets.iou.shape[-1], targets.iou.device)
    regressed, probability = outputs["confidence"][:, 0].float(), outputs["confidence"][:, 1].float()
    iou = targets.iou * mask
    boundary = boundary_loss(outputs, targets, config)
    regression = regression_loss(regressed, iou, mask, drawn, config)
    classification = classification_loss(probability, iou, mask, config.good_iou)
    total = config.boundary_weight * boundary + config.regression_weight * regression
    total = total + config.classification_weight * classification
    parts = {"loss": total, "boundary": boundary, "regression": regression, "classification": classification}
    return Loss(total=total, parts={name: value.detach() for name, value in parts.items()})


def boundary_loss(outputs: BoundaryMaps, targets: MapTargets, config: BoundaryMatchingConfig) -> Tensor:
    """Of both curves."""
    pairs = ((outputs["start"], targets.start), (outputs["end"], targets.end))
    losses = [balanced_logistic(curve.float(), target, config.boundary_threshold) for curve, target in pairs]
    return losses[0] + losses[1]


def regression_loss(
    predicted: Tensor, iou: Tensor, mask: Tensor, drawn: Tensor, config: BoundaryMatchingConfig
) -> Tensor:
    """Half the mean squared error over the cells that count, about as many high as medium and low ones."""
    weights = balanced_weights(
        iou, mask.expand_as(iou), (drawn[0], drawn[1]), high=config.high_iou, low=config.low_iou, lowest=0.0,
        as_published=config.as_published,
    )  # fmt: skip
    squared = (predicted * weights - iou * weights).square()
    return 0.5 * squared.sum() / weights.sum().clamp(min=1)


def classification_loss(probability: Tensor, iou: Tensor, mask: Tensor, good_iou: float) -> Tensor:
    """Logistic loss over candidates, good and bad ones weighted as if there were as many of both."""
    good = ((iou > good_iou) & (mask > 0)).float()
    bad = (iou <= good_iou).float() * mask
    num_good = good.sum().clamp(min=1)
    entries = num_good + bad.sum()
    ratio = entries / num_good
    hit = 0.5 * ratio * torch.log(probability + EPSILON) * good
    miss = 0.5 * ratio / (ratio - 1) * torch.log(1 - probability + EPSILON) * bad
    return -(hit + miss).sum() / entries


def candidate_mask(length: int, device: torch.device | str = "cpu") -> Tensor:
    """1 where a cell ends within the video, `[D, T]`."""
    mask = torch.zeros(length, length, device=device)
    inside = torch.from_numpy(cells(length)).to(device)
    mask[inside[:, 0], inside[:, 1]] = 1.0
    return mask


def pair_boundaries(confidence: Array, start: Array, end: Array, peak: float) -> tuple[Array, Array]:
    """Segments `[P, 2]` as fractions, and scores `[P]`, from the maps `[2, D, T]` and curves `[T]` of a video.

    The first moment always counts as a start and the last one as an end. A segment runs from one moment to another one,
    so none ends with the video: as in the authors' code.
    """
    length = len(start)
    is_start, is_end = peaks(start, peak), peaks(end, peak)
    is_start[0] = is_end[-1] = True
    first, last = np.meshgrid(np.flatnonzero(is_start), np.flatnonzero(is_end), indexing="ij")
    first, last = first[last > first], last[last > first]
    fit = confidence[:, last - first - 1, first].prod(axis=0)
    return np.stack([first, last], axis=1) / length, start[first] * end[last] * fit
