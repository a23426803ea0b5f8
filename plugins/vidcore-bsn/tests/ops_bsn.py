"""vidcore's answers to the vectors of BSN: targets, candidates, their descriptions, losses, proposals."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from answering import shared_file

from vidcore_bsn.candidates import Description, describe, find_candidates, read_candidates, read_curves
from vidcore_bsn.config import ProposalEvaluation
from vidcore_bsn.methods import curve_targets, fit_loss
from vidcore_localization.annotations import AnnotatedVideo, read_annotations
from vidcore_localization.config import Suppression
from vidcore_localization.dataset import segment_target
from vidcore_localization.segments import best_segments, bins, covered_seconds

Table = dict[str, Any]


def labels(params: Table, inputs: Table) -> Table:
    length = params["temporal_dim"]
    truths = [np.asarray(rows) for rows in inputs["gt_bbox"]]
    anchors = bins(length)
    found = curve_targets(truths, length, params["boundary_ratio"])
    return {**found, "anchors_tmins": anchors[:, 0], "anchors_tmaxs": anchors[:, 1]}


def candidates(params: Table, inputs: Table) -> Table:
    peak = params["peak_threshold"]
    if "ann" in inputs:
        videos = read_annotations(shared_file(inputs["ann"])).videos
        curves = read_curves(shared_file(inputs["tem"]))
        return {videos[0].name: find_candidates(curves, _truths(videos[0]), peak)}
    rows = inputs["annotations"]
    video = AnnotatedVideo(
        name="v",
        seconds=inputs["duration_second"],
        frames=inputs["duration_frame"],
        feature_frames=inputs["feature_frame"],
        segments=tuple((row["segment"][0], row["segment"][1]) for row in rows),
        labels=tuple(row["label"] for row in rows),
    )
    table = find_candidates(np.asarray(inputs["tem"])[:, :3], _truths(video), peak)
    return {"shape": table.shape, "proposals": table[:400]}


def _truths(video: AnnotatedVideo) -> np.ndarray[Any, Any]:
    segments = segment_target(video, [0] * len(video.segments))["segments"]
    return (segments / video.covered).clamp(0, 1).numpy()


def description(params: Table, inputs: Table) -> Table:
    names = {
        "boundary_ratio": "bsp_boundary_ratio",
        "start": "num_sample_start",
        "end": "num_sample_end",
        "action": "num_sample_action",
        "points": "num_sample_interp",
    }
    options = Description(**{ours: params[theirs] for ours, theirs in names.items() if theirs in params})
    segments = np.asarray(inputs["proposals"])[: params["top_k"], :2]
    return {"feature": describe(np.asarray(inputs["tem"])[:, 0], segments, options)}


def predict(params: Table, inputs: Table) -> Table:
    fits = np.asarray(inputs["pem_output"]).ravel()
    scores = fits * np.asarray(inputs["tmin_score"]) * np.asarray(inputs["tmax_score"])
    segments = np.stack([inputs["tmin"], inputs["tmax"]], axis=1)
    options = Suppression(
        alpha=params["soft_nms_alpha"],
        low=params["soft_nms_low_threshold"],
        high=params["soft_nms_high_threshold"],
        top_k=params["post_process_top_k"],
    )
    interval = params["feature_extraction_interval"]
    seconds = covered_seconds(inputs["duration_frame"], inputs["duration_second"], interval)
    segments, scores = best_segments(segments, scores, options, seconds)
    return {"segment": segments, "score": scores}


def loss(params: Table, inputs: Table) -> Table:
    config = ProposalEvaluation(
        medium_share=params["u_ratio_m"],
        low_share=params["u_ratio_l"],
        high_iou=params["high"],
        low_iou=params["low"],
        as_published=True,
    )
    drawn = torch.stack([torch.tensor(inputs["uniform_medium"]), torch.tensor(inputs["uniform_low"])])
    predicted = torch.tensor(inputs["pem_output"]).flatten()
    return {"temporal_iou_loss": fit_loss(predicted, torch.tensor(inputs["reference_temporal_iou"]), drawn, config)}


def curves(params: Table, inputs: Table) -> Table:
    """The reference's table has the moments beside the curves."""
    output = np.asarray(inputs["output"])[0]
    return {"video": "v_z", "table": np.column_stack([output.T, bins(params["temporal_dim"])])}


def loaded(params: Table, inputs: Table) -> Table:
    path, count = shared_file(inputs["proposals"]), params["top_k"]
    table = read_candidates(path)[:count].astype(np.float32)
    return {
        "video_name": path.stem,
        "bsp_feature": np.load(shared_file(inputs["features"]), allow_pickle=False)[:count],
        "tmin": table[:, 0],
        "tmax": table[:, 1],
        "tmin_score": table[:, 2],
        "tmax_score": table[:, 3],
        "reference_temporal_iou": table[:, 5],
    }


OPS = {
    "TEM.generate_labels": labels,
    "TEM.predict": curves,
    "PEM.predict": predict,
    "PEM.loss": loss,
    "generate_candidate_proposals": candidates,
    "generate_bsp_feature": description,
    "LoadProposals": loaded,
}
