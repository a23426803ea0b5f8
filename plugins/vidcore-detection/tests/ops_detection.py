"""Answers to recorded cases of action detection: boxes, matching, head, loss, sampling around a key frame."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch
from answering import Case

from vidcore.data.crops import fitted_size, middle_box
from vidcore.data.geometry import Geometry
from vidcore_detection.average_precision import listed
from vidcore_detection.boxes import move_boxes
from vidcore_detection.config import ActionDetection, Focal, Matching
from vidcore_detection.feature_bank import features_around
from vidcore_detection.heads import ActionHead
from vidcore_detection.losses import action_loss
from vidcore_detection.matching import assign
from vidcore_detection.model_config import Pool
from vidcore_detection.pooling import pool_time
from vidcore_detection.sampling import frames_around, jitter_range
from vidcore_detection.scores import recall_precision, top_k_matrix
from vidcore_detection.task import ActionDetectionTask


def box_transform(params: Any, inputs: Any) -> dict[str, Any]:
    geometry = _geometry(params, tuple(inputs["img_shape"]))
    names = ("gt_bboxes", "proposals")
    moved = {name: move_boxes(inputs[name], geometry, "reference") for name in names if name in inputs}
    height, width = geometry.source
    x1, y1, x2, y2 = geometry.window()
    quadruple = np.array([x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height])
    return moved | {
        "img_shape": list(geometry.size),
        "crop_quadruple": quadruple,
        "scale_factor": np.abs(np.diag(geometry.matrix())[:2]),
    }


def _geometry(params: Any, size: tuple[int, int]) -> Geometry:
    """A chain is told as "CenterCrop(100) -> Resize(-1,64) -> Flip(1)"."""
    geometry, transform = Geometry(size), params["transform"]
    if "->" in transform:
        for name, numbers in re.findall(r"(\w+)\(([^)]*)\)", transform):
            values = [int(number) for number in numbers.split(",")]
            if name == "CenterCrop":
                geometry = _centred(geometry, values[0] if len(values) == 1 else values)
            else:
                geometry = _fitted(geometry, values) if name == "Resize" else geometry.flipped()
        return geometry
    if transform == "resize":
        return _fitted(geometry, params["scale"])
    if transform == "resize_stretch":
        return geometry.resized(params["scale"][1], params["scale"][0])
    if transform == "flip":
        return geometry.flipped()
    return _centred(geometry, params["crop_size"])


def _fitted(geometry: Geometry, scale: list[int]) -> Geometry:
    """-1 and the shorter side, or the bounds of both, whatever their order."""
    if min(scale) < 0:
        return geometry.resized(*fitted_size(*geometry.size, max(scale)))
    height, width = geometry.size
    factor = min(max(scale) / max(height, width), min(scale) / min(height, width))
    return geometry.resized(int(height * factor + 0.5), int(width * factor + 0.5))


def _centred(geometry: Geometry, crop: Any) -> Geometry:
    width, height = (crop, crop) if isinstance(crop, int) else crop
    return geometry.cropped(*middle_box(*geometry.size, (height, width)))


def box_crop(params: Any, inputs: Any) -> dict[str, Any]:
    x1, y1, x2, y2 = params["crop_bbox"]
    geometry = Geometry((1000, 1000)).cropped(x1, y1, x2 - x1, y2 - y1)
    return {"boxes": move_boxes(inputs["boxes"], geometry, "reference")}


def max_iou_assigner(params: Any, inputs: Any) -> dict[str, Any]:
    bounds = params["neg_iou_thr"]
    matching = Matching(
        positive_iou=params["pos_iou_thr"],
        negative_iou=tuple(bounds) if isinstance(bounds, list) else bounds,
        smallest_positive_iou=params["min_pos_iou"],
        match_low_quality=params.get("match_low_quality", True),
    )
    if "num_gt" in inputs:  # no box: the recorded labels are numbers, none of them a class
        found = assign(torch.zeros(inputs["num_gt"], inputs["num_bboxes"]), matching)
        return {"gt_inds": found.boxes, "max_overlaps": found.overlaps, "labels": found.boxes - 1}
    from torchvision.ops import box_iou

    truth, boxes = torch.from_numpy(inputs["gt_bboxes"]), torch.from_numpy(inputs["bboxes"])
    found = assign(box_iou(truth, boxes), matching)
    labels = found.labels(torch.from_numpy(inputs["gt_labels"]))
    return {"num_gts": len(truth), "gt_inds": found.boxes, "max_overlaps": found.overlaps, "labels": labels}


def head_loss(params: Any, inputs: Any) -> dict[str, Any]:
    """Ours has no first output for persons, which the recorded loss drops."""
    logits, labels = (torch.from_numpy(inputs[name])[:, 1:].float() for name in ("cls_score", "labels"))
    multi_label, top_k = params["multilabel"], tuple(np.atleast_1d(params["topk"]).tolist())
    focal = Focal(alpha=params["focal_alpha"], gamma=params["focal_gamma"])
    answer = {"loss_action_cls": action_loss(logits, labels, focal, multi_label=multi_label)}
    rows, truth = labels.any(dim=1), labels > 0
    probabilities = _task(multi_label, labels.shape[1]).probabilities(logits)
    sure = probabilities > 0.5 if multi_label else top_k_matrix(probabilities, 1)  # of one action: the best
    predictions = {"thr=0.5": sure} | {f"top{k}": top_k_matrix(probabilities, k) for k in top_k}
    for name, predicted in predictions.items():
        answer[f"recall@{name}"], answer[f"prec@{name}"] = recall_precision(predicted, truth, rows)
    return answer


def _task(multi_label: bool, num_classes: int) -> ActionDetectionTask:
    return ActionDetectionTask(ActionDetection(multi_label=multi_label), [f"class {i}" for i in range(num_classes)])


def head_forward(params: Any, inputs: Any) -> dict[str, Any]:
    regions = torch.from_numpy(inputs["x"])
    temporal, spatial = (_pool(params[name]) for name in ("temporal", "spatial"))
    head = ActionHead(regions.shape[1], len(inputs["bias"]), spatial_pool=spatial).eval()
    head.fc.load_state_dict({name: torch.from_numpy(inputs[name]) for name in ("weight", "bias")})
    with torch.no_grad():
        return {"cls_score": head(pool_time(regions, temporal))}


def _pool(name: str) -> Pool:
    return "max" if name == "max" else "avg"


def head_predict(params: Any, inputs: Any) -> dict[str, Any]:
    logits = torch.from_numpy(inputs["cls_score"])
    height, width = inputs["img_shape"]
    pixels = torch.from_numpy(inputs["rois"])[:, 1:]
    boxes = pixels / pixels.new_tensor([width, height, width, height])  # where ours are from the beginning
    return {"bboxes": boxes, "scores": _task(params["multilabel"], logits.shape[1]).probabilities(logits)}


def topk_matrix(params: Any, inputs: Any) -> dict[str, Any]:
    return {"matrix": top_k_matrix(torch.as_tensor(inputs["probs"]), params["k"])}


def recall_and_precision(params: Any, inputs: Any) -> dict[str, Any]:
    recall, precision = recall_precision(torch.from_numpy(inputs["pred"]), torch.from_numpy(inputs["target"]))
    return {"recall": recall, "precision": precision}


def bbox2result(params: Any, inputs: Any) -> Any:
    """Lists for each class but the first, as recorded."""
    count = params["num_classes"] - 1
    boxes, labels, scores = listed(inputs["bboxes"], inputs["scores"][:, 1:], params["thr"])
    table = np.concatenate([boxes, scores[:, None]], axis=1)
    lists = [table[labels == label] for label in range(count)]
    return lists if len(table) else {"n": len(lists), "shapes": [list(one.shape) for one in lists]}


def key_frame_test(params: Any, inputs: Any) -> dict[str, Any]:
    """The recorded frames count from 1: the key frame is one further."""
    centre = inputs["fps"] * (inputs["timestamp"] - inputs["timestamp_start"]) + 1
    return _frames(params, inputs, centre, inputs["shot_info"]) | {"crop_quadruple": np.array([0.0, 0.0, 1.0, 1.0])}


def key_frame_main(params: Any, inputs: Any) -> dict[str, Any]:
    """There the number of the first frame is added to the key frame, and once more to every frame."""
    centre = inputs["fps"] * (inputs["timestamp"] - inputs["timestamp_start"]) + inputs["start_index"]
    shot = [0, inputs["total_frames"]] if "total_frames" in inputs else inputs["shot_info"]
    return _frames(params, inputs, centre, shot)


def _frames(params: Any, inputs: Any, centre: int, shot: list[int]) -> dict[str, Any]:
    frames = frames_around(centre, params["clip_len"], params["frame_interval"])
    return {"frame_inds": np.clip(frames, shot[0], shot[1] - 1) + inputs["start_index"]}


def key_frame_train(case: Case) -> list[str]:
    found = jitter_range(case["params"]["frame_interval"])
    wanted = (case["expected"]["skip_min"], case["expected"]["skip_max"])
    return [] if found == wanted else [f"frames are moved by {found}, not {wanted}"]


def bank_sample(params: Any, inputs: Any) -> dict[str, Any]:
    features = {int(second): torch.from_numpy(one) for second, one in inputs["features"].items()}
    found = features_around(
        features,
        inputs["timestamp"],
        window=params["window_size"],
        per_second=params["max_num_sampled_feat"],
        channels=params["channels"],
    )
    return {"out": found}


OPS = {
    "LFB.sample": bank_sample,
    "box_transform": box_transform,
    "box_crop": box_crop,
    "MaxIoUAssignerAVA": max_iou_assigner,
    "BBoxHeadAVA.loss": head_loss,
    "BBoxHeadAVA.forward": head_forward,
    "BBoxHeadAVA.predict": head_predict,
    "topk_to_matrix": topk_matrix,
    "recall_precision": recall_and_precision,
    "bbox2result": bbox2result,
    "SampleAVAFrames.test": key_frame_test,
    "SampleAVAFrames(main)": key_frame_main,
}
CHECKS = {"SampleAVAFrames.train": key_frame_train}
