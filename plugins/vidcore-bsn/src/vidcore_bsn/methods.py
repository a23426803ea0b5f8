"""How BSN's two networks learn, and what becomes of their outputs.

Letters: N videos, T moments, R candidates of all videos, G true segments of a video.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from attrs import evolve
from torch import Tensor

from vidcore.interfaces import Loss
from vidcore.values import Batch
from vidcore_bsn.config import BoundaryProbability as BoundaryProbabilityConfig
from vidcore_bsn.config import ProposalEvaluation as ProposalEvaluationConfig
from vidcore_bsn.model import Curves, Fits
from vidcore_localization.losses.boundaries import balanced_logistic, balanced_weights
from vidcore_localization.segments import Array, bins, boundary_targets, most_covered

CURVES = ("action", "start", "end")


class BoundaryProbability:
    """See `vidcore_bsn.config.BoundaryProbability`."""

    def __init__(self, config: BoundaryProbabilityConfig) -> None:
        self.config = config

    def prepare(self, batch: Batch, rng: np.random.Generator, training: bool) -> Batch:
        """Nothing is drawn."""
        return batch

    def loss(self, outputs: Curves, batch: Batch) -> Loss:
        """Balanced logistic loss of each curve; that of action counts more."""
        spans, device = [value.cpu().numpy() for value in batch.target["spans"]], outputs["action"].device
        targets = curve_targets(spans, outputs["action"].shape[1], self.config.boundary_ratio)
        found = {"action": outputs["action"], "start": outputs["start"], "end": outputs["end"]}
        losses = {
            name: balanced_logistic(curve.float(), targets[name].to(device), self.config.threshold)
            for name, curve in found.items()
        }
        total = self.config.action_weight * losses["action"] + losses["start"] + losses["end"]
        return Loss(total=total, parts={"loss": total.detach()} | {name: x.detach() for name, x in losses.items()})

    def proposals(self, outputs: Curves, batch: Batch) -> list[dict[str, Any]]:
        """`curves`: action, start and end of each moment, float32 `[T, 3]`."""
        curves = torch.stack([outputs["action"], outputs["start"], outputs["end"]], dim=2).detach().float()
        return [{"curves": one} for one in curves.cpu()]


class ProposalEvaluation:
    """See `vidcore_bsn.config.ProposalEvaluation`."""

    def __init__(self, config: ProposalEvaluationConfig) -> None:
        self.config = config

    def prepare(self, batch: Batch, rng: np.random.Generator, training: bool) -> Batch:
        """In training: uniform numbers `[2, R]` that choose which candidates count."""
        if not training:
            return batch
        candidates: Tensor = batch.inputs["candidates"]
        drawn = torch.from_numpy(rng.random((2, len(candidates)), dtype=np.float32)).to(candidates.device)
        return evolve(batch, draws={**batch.draws, "balance": drawn})

    def loss(self, outputs: Fits, batch: Batch) -> Loss:
        """Smooth L1 between fit and IoU."""
        iou = torch.cat(batch.target["iou"])
        total = fit_loss(outputs["iou"].float(), iou, batch.draws["balance"], self.config)
        return Loss(total=total, parts={"loss": total.detach()})

    def proposals(self, outputs: Fits, batch: Batch) -> list[dict[str, Any]]:
        """The candidates, scored by both boundaries and the fit."""
        fits = torch.split(outputs["iou"].detach().float().cpu(), batch.views)
        given = zip(batch.target["candidates"], batch.target["boundary_scores"], fits, strict=True)
        return [
            {"segments": segments.cpu().numpy(), "scores": (scores.cpu() * fit).numpy()}
            for segments, scores, fit in given
        ]


def curve_targets(segments: Sequence[Array], length: int, boundary_ratio: float) -> dict[str, Tensor]:
    """Share of each moment that is action, start, end, `[N, T]` each.

    Args:
        segments: True ones of each video, `[G, 2]`, as fractions.
        length: T.
        boundary_ratio: A boundary is as wide as this share of its segment, at least one moment.
    """
    anchors = bins(length)
    rows: dict[str, list[Array]] = {name: [] for name in CURVES}
    for truths in segments:
        truths = truths.astype(np.float64)
        widths = np.maximum(1 / length, boundary_ratio * (truths[:, 1] - truths[:, 0]))
        rows["action"].append(most_covered(anchors, truths))
        rows["start"].append(boundary_targets(truths[:, 0], widths, anchors))
        rows["end"].append(boundary_targets(truths[:, 1], widths, anchors))
    return {name: torch.tensor(np.array(values), dtype=torch.float32) for name, values in rows.items()}


def fit_loss(predicted: Tensor, iou: Tensor, drawn: Tensor, config: ProposalEvaluationConfig) -> Tensor:
    """Smooth L1 over the candidates that count: high ones, and some medium and low ones.

    Args:
        predicted: `[R]`.
        iou: Of each candidate with the truth, `[R]`.
        drawn: Uniform numbers `[2, R]`.
        config: What counts.
    """
    if config.as_published:
        return F.smooth_l1_loss(predicted, iou)
    weights = balanced_weights(
        iou,
        torch.ones_like(iou),
        (drawn[0], drawn[1]),
        high=config.high_iou,
        low=config.low_iou,
        shares=(config.medium_share, config.low_share),
    )
    losses = F.smooth_l1_loss(predicted, iou, reduction="none")
    return (losses * weights).sum() / weights.sum().clamp(min=1)
