"""vidcore's answers to the vectors of BMN: its tables, targets, losses and proposals."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from vidcore_bmn.config import BoundaryMatching
from vidcore_bmn.method import (
    MapTargets,
    boundary_loss,
    classification_loss,
    map_loss,
    map_targets,
    pair_boundaries,
)
from vidcore_bmn.model import BoundaryMaps
from vidcore_bmn.sampling import cells, sample_weights, spans
from vidcore_localization.config import Suppression
from vidcore_localization.segments import best_segments, bins, covered_seconds

Table = dict[str, Any]
PUBLISHED = BoundaryMatching(as_published=True)


def anchors(params: Table, inputs: Table) -> Table:
    lead, tail = params["offsets"]
    found = bins(params["tscale"], lead, tail)
    return {"tmins": found[:, 0], "tmaxs": found[:, 1]}


def match_map(params: Table, inputs: Table) -> Table:
    length = params["tscale"]
    mask = np.zeros((length, length))
    mask[tuple(cells(length).T)] = 1
    return {"match_map": spans(length).reshape(-1, 2), "bm_mask": mask}


def sample_mask(params: Table, inputs: Table) -> Table:
    """The large one is recorded as sums and slices."""
    length, samples = params["tscale"], params["num_samples"]
    table = sample_weights(length, samples, params["num_samples_per_bin"], params["boundary_ratio"])
    whole = np.zeros((length, samples, length, length), dtype=np.float32)
    inside = cells(length)
    whole[:, :, inside[:, 0], inside[:, 1]] = table.transpose(1, 0, 2)
    slices = {f"slice_d{d}_s{s}": whole[:, :, d, s] for d, s in ((0, 0), (20, 40), (99, 0), (9, 90)) if length == 100}
    exact = whole.astype(np.float64)
    sums = {"total": exact.sum(), "sq": (exact**2).sum(), "sum_time_sample": exact.sum(axis=(0, 1))}
    return {"sample_mask": whole, "dtype": str(whole.dtype), **sums, **slices}


def labels(params: Table, inputs: Table) -> Table:
    targets = map_targets([np.asarray(truths) for truths in inputs["gt_bbox"]], params["tscale"])
    return {"iou_map": targets.iou, "start": targets.start, "end": targets.end}


def predict(params: Table, inputs: Table) -> Table:
    maps = inputs["confidence_map"][0], inputs["start"][0], inputs["end"][0]
    options = Suppression(
        alpha=params["soft_nms_alpha"],
        low=params["soft_nms_low_threshold"],
        high=params["soft_nms_high_threshold"],
        top_k=params["post_process_top_k"],
    )
    interval = params["feature_extraction_interval"]
    seconds = covered_seconds(inputs["duration_frame"], inputs["duration_second"], interval)
    segments, scores = best_segments(*pair_boundaries(*maps, PUBLISHED.peak), options, seconds)
    return {"segment": segments, "score": scores}


def whole_loss(params: Table, inputs: Table) -> Table:
    config = BoundaryMatching(
        boundary_weight=params["weight_tem"],
        regression_weight=params["weight_pem_reg"],
        classification_weight=params["weight_pem_cls"],
        as_published=True,
    )
    confidence = torch.tensor(inputs["pred_bm"])
    drawn = torch.stack([torch.tensor(inputs["uniform_medium"]), torch.tensor(inputs["uniform_low"])])
    loss = map_loss(_maps(inputs, confidence), _targets(inputs), drawn, config)
    parts = loss.parts
    return {
        "loss": loss.total,
        "tem": parts["boundary"],
        "reg": parts["regression"],
        "cls": parts["classification"],
    }


def boundaries(params: Table, inputs: Table) -> Table:
    return {"loss": boundary_loss(_maps(inputs, torch.zeros(0)), _targets(inputs), PUBLISHED)}


def classification(params: Table, inputs: Table) -> Table:
    predicted = torch.tensor(inputs["pred"], requires_grad=True)
    mask = torch.tensor(inputs["mask"])
    loss = classification_loss(predicted, torch.tensor(inputs["gt_iou_map"]) * mask, mask, params["threshold"])
    loss.backward()
    return {"loss": loss, "grad": predicted.grad}


def _maps(inputs: Table, confidence: torch.Tensor) -> BoundaryMaps:
    start, end = torch.tensor(inputs["pred_start"]), torch.tensor(inputs["pred_end"])
    return BoundaryMaps(confidence=confidence, start=start, end=end)


def _targets(inputs: Table) -> MapTargets:
    start, end = torch.tensor(inputs["gt_start"]), torch.tensor(inputs["gt_end"])
    return MapTargets(iou=torch.tensor(inputs.get("gt_iou_map", 0.0)), start=start, end=end)


OPS = {
    "BMN.anchors": anchors,
    "BMN.match_map": match_map,
    "BMN.sample_mask": sample_mask,
    "BMN.generate_labels": labels,
    "BMN.predict": predict,
    "BMNLoss": whole_loss,
    "BMNLoss.tem": boundaries,
    "BMNLoss.pem_cls": classification,
}
