"""vidcore's answers to the vectors of segments: overlap, suppression, metrics, losses."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import torch
from answering import shared_file

from vidcore.values import Prediction, SampleRef
from vidcore_localization.config import Suppression
from vidcore_localization.losses.boundaries import balanced_logistic
from vidcore_localization.losses.structured import (
    ProposalMix,
    activity_loss,
    completeness_loss,
    hard_hinge,
    regression_loss,
)
from vidcore_localization.metrics import config as configs
from vidcore_localization.metrics.detection import DetectionMap, average_precision, interpolated
from vidcore_localization.metrics.recall import ProposalRecall, recall_curve
from vidcore_localization.segments import (
    best_segments,
    coverage,
    covered_seconds,
    iou,
    pairwise_iou,
    soft_nms,
)

AT = (1, 5, 10, 100)
IOU = tuple(np.linspace(0.5, 0.95, 10).tolist())
Table = dict[str, Any]


def overlap(params: Table, inputs: Table) -> dict[str, Any]:
    """The reference raises for candidates of one dimension; vidcore's callers give two."""
    truths, candidates = np.asarray(inputs["target"]), np.asarray(inputs["candidate"])
    if not candidates.size:
        raise ValueError("no candidates")
    candidates = candidates.reshape(-1, 2)
    pairs = pairwise_iou(truths, candidates)
    own = coverage(candidates[None], truths[:, None])
    if np.asarray(inputs["candidate"]).ndim == 1:
        pairs, own = pairs[:, 0], own[:, 0]
    return {"iou": pairs, "overlap_self": own}


def to_one(params: Table, inputs: Table) -> dict[str, Any]:
    anchor = np.array([inputs["pmin"], inputs["pmax"]])
    others = np.stack([inputs["gmin"], inputs["gmax"]], axis=1)
    return {"iou": iou(anchor, others), "iop": coverage(anchor, others)}


def recall(params: Table, inputs: Table) -> dict[str, Any]:
    truths = [np.asarray(rows)[:, :2] for rows in inputs["gt"].values()]
    proposals = [np.asarray(inputs["proposals"][video]).reshape(-1, 3) for video in inputs["gt"]]
    curve = recall_curve(truths, proposals, _thresholds(params), params["max_avg_proposals"])
    at = {f"AR{n}": curve.average[n - 1] for n in (1, 5, 10, 100)}
    return {
        "recall": curve.recall,
        "avg_recall": curve.average,
        "proposals_per_video": curve.proposals,
        "auc": 100 * curve.area,
        **at,
    }


def _thresholds(params: Table) -> tuple[float, ...]:
    """Told as "linspace(0.5,0.95,10)"."""
    first, last, count = re.findall(r"[\d.]+", params.get("tiou", "0.5 0.95 10"))
    return tuple(np.linspace(float(first), float(last), int(count)).tolist())


def recall_metric(params: Table, inputs: Table) -> dict[str, Any]:
    """AR@N is the N-th point of the curve there, which stands for N proposals only where it ends at 100."""
    most = params["max_avg_proposals"]
    metric = ProposalRecall(configs.ProposalRecall(max_average=most, iou=IOU, at=(most,)), ["any"])
    truths, proposals = [], []
    for index, video in enumerate(inputs["results"]):
        truth = inputs["ground_truth"][video["video_name"]]
        metric.update(Prediction(ref=SampleRef("", 0, index), outputs=video), {"segments": truth})
        truths.append(np.asarray(truth, np.float64).reshape(-1, 2))
        proposals.append(np.column_stack([np.asarray(video["segments"]).reshape(-1, 2), video["scores"]]))
    figures, curve = metric.compute(), recall_curve(truths, proposals, IOU, most)
    assert abs(figures[f"AR@{most}"] - curve.average[-1]) < 1e-9
    return {"auc": 100 * figures["AUC"], **{f"AR@{n}": curve.average[n - 1] for n in AT}}


def detection(params: Table, inputs: Table) -> dict[str, Any]:
    """Classes in the order in which the reference meets them; `v_` before truths' names is the reference's own."""
    given = inputs or {name: json.loads(shared_file(params[name]).read_text()) for name in ("gt", "pred")}
    labels = [row["label"] for video in given["gt"].values() for row in video["annotations"]]
    classes = list(dict.fromkeys(labels))
    metric = DetectionMap(configs.DetectionMap(iou=IOU), classes)
    truths = {name[2:]: video["annotations"] for name, video in given["gt"].items()}
    results = given["pred"]["results"]
    for index, name in enumerate(dict.fromkeys([*truths, *results])):
        rows, annotations = results.get(name, []), truths.get(name, [])
        outputs = {
            "segments": [row["segment"] for row in rows],
            "scores": [row["score"] for row in rows],
            "labels": [classes.index(row["label"]) for row in rows],
        }
        target = {
            "segments": [row["segment"] for row in annotations],
            "labels": [classes.index(row["label"]) for row in annotations],
        }
        metric.update(Prediction(ref=SampleRef("", 0, index), outputs=outputs), target)
    by_class = np.stack(list(metric.by_class().values()), axis=1)
    return {
        "mAP": by_class.mean(axis=1),
        "average_mAP": metric.compute()["mAP"],
        "ap": by_class,
        "activity_index": {name: index for index, name in enumerate(classes)},
    }


def class_precision(params: Table, inputs: Table) -> Any:
    rows = [(video, float(start), float(end), float(score)) for video, _, start, end, score in inputs["pred"]]
    return average_precision(inputs["gt"], rows, params["thresholds"]).astype(np.float32)


def suppressed(params: Table, inputs: Table) -> dict[str, Any]:
    rows = np.asarray(inputs["proposals"])
    segments, scores = soft_nms(rows[:, :2], rows[:, -1], _nms(params))
    return {"out": np.column_stack([segments, scores])}


def processed(params: Table, inputs: Table) -> dict[str, Any]:
    rows = np.asarray(inputs["proposals"])
    seconds = covered_seconds(
        inputs["duration_frame"], inputs["duration_second"], params["feature_extraction_interval"]
    )
    segments, scores = best_segments(rows[:, :2], rows[:, -1], _nms(params), seconds)
    listed = [{"score": score, "segment": segment} for segment, score in zip(segments, scores, strict=True)]
    return {"score": scores, "segment": segments, "out": listed}


def _nms(params: Table) -> Suppression:
    return Suppression(**{name: params[name] for name in ("alpha", "low", "high", "top_k") if name in params})


def logistic(params: Table, inputs: Table) -> dict[str, Any]:
    scores = torch.tensor(inputs["score"], requires_grad=True)
    loss = balanced_logistic(scores, torch.tensor(inputs["label"]), params["threshold"], tuple(params["ratio_range"]))
    loss.backward()
    return {"loss": loss, "grad": scores.grad}


def hinge(params: Table, inputs: Table) -> dict[str, Any]:
    if "n_pred" in inputs:
        inputs = {"pred": np.zeros((inputs["n_pred"], 4)), "labels": np.ones(inputs["n_labels"], int)}
    scores = torch.tensor(inputs["pred"], requires_grad=True)
    labels = torch.tensor(inputs["labels"])
    loss = hard_hinge(scores, labels, params["is_positive"], params["ohem_ratio"], params["group_size"])
    loss.backward()
    return {"loss": loss[None], "grad": scores.grad}


def structured(params: Table, inputs: Table) -> dict[str, Any]:
    tensors = {name: torch.tensor(value) for name, value in inputs.items()}
    labels, kinds = tensors["labels"].flatten(), tensors["proposal_type"].flatten()
    target = tensors["bbox_targets"].flatten(0, 1)
    mix = ProposalMix(
        per_video=params["num_per_video"],
        positive=params["positive_ratio"],
        background=params["background_ratio"],
        incomplete=params["incomplete_ratio"],
    )
    complete = completeness_loss(tensors["completeness"], labels, kinds, mix)
    return {
        "loss_activity": activity_loss(tensors["activity"], labels, kinds),
        "loss_completeness": params["comp_loss_weight"] * complete[None],
        "loss_reg": params["reg_loss_weight"] * regression_loss(tensors["bbox_pred"], labels, target, kinds),
    }


OPS = {
    "pairwise_temporal_iou": overlap,
    "temporal_iou/iop": to_one,
    "average_recall_at_avg_proposals": recall,
    "ANetMetric AR@AN": recall_metric,
    "activitynet_detection_map": detection,
    "average_precision_at_temporal_iou": class_precision,
    "interpolated_precision_recall": lambda params, inputs: interpolated(inputs["precision"], inputs["recall"]),
    "soft_nms": suppressed,
    "post_processing": processed,
    "BinaryLogisticRegressionLoss": logistic,
    "OHEMHingeLoss": hinge,
    "SSNLoss": structured,
}
