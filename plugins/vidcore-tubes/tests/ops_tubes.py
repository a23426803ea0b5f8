"""Answers to recorded cases of tubes: suppression, overlap, frame and video mAP."""

from __future__ import annotations

from typing import Any

import numpy as np
from answering import shared_file

from vidcore_checkpoints import read_annotations
from vidcore_tubes.evaluation import RANGES, Detections, evaluate, linked
from vidcore_tubes.linking import suppress
from vidcore_tubes.linking_config import Linking
from vidcore_tubes.metric_config import TubeMap
from vidcore_tubes.tubes import Tube, spatial_iou, temporal_iou, tube_iou

UNCOUNTED = (
    "aerobic kick jump", "aerobic off axis jump", "aerobic butterfly jump", "aerobic balance turn",
    "basketball save", "basketball jump ball",
)  # fmt: skip


def tube_overlap(params: Any, inputs: Any) -> dict[str, float]:
    first, second = (_tube("v", inputs[name]) for name in "ab")
    return {
        "st": tube_iou(first, second),
        "spatial": spatial_iou(first, second),
        "temporal": temporal_iou(first.span, second.span),
    }


def multisports_eval(params: Any, inputs: Any) -> dict[str, Any]:
    """Every tube has the score of the last detection there, see the option `tube_scores`."""
    rows, videos, classes = inputs["detections"], inputs["videos"], inputs["labels"]
    found = Detections(
        videos=[videos[int(number)] for number in rows[:, 0]],
        frames=rows[:, 1].astype(int),
        labels=rows[:, 2].astype(int),
        scores=rows[:, 3],
        boxes=rows[:, 4:],
    )
    frames = {video: range(1, count + 1) for video, count in inputs["nframes"].items()}
    config = TubeMap(tube_scores="last", linking=Linking(shortest=params["tube_len_thr"]))
    figures = evaluate(_truth(inputs["gttubes"]), found, frames, classes, config)
    tubes = {}
    for label in range(len(classes)):
        own = found.of(np.flatnonzero(found.labels == label))
        tied = Detections(
            videos=own.videos, frames=own.frames, labels=own.labels, boxes=own.boxes,
            scores=np.full(len(own.scores), found.scores[-1]),
        )  # fmt: skip
        tubes[str(label)] = [
            {
                "video": tube.video, "score": tube.score, "start": tube.span[0], "end": tube.span[1],
                "first_box": tube.boxes[0].astype(np.float32), "mean_box": tube.boxes.mean(axis=0).astype(np.float32),
            }
            for tube in linked(tied, frames, config)
        ]  # fmt: skip
    return {
        "frame_mAP_50": 100 * figures["frame_map"],
        "tube_counts": {label: len(own) for label, own in tubes.items()},
        "tubes": tubes,
        "video_mAP_0.2": 100 * figures["video_map@0.2"],
        "video_mAP_0.5": 100 * figures["video_map@0.5"],
        **{f"v_map_{name}": 100 * figures[f"video_map@{name}"] for name in RANGES},
    }


def multisports_metric(params: Any, inputs: Any) -> dict[str, float]:
    truth = read_annotations(shared_file(params["gt"]))
    with np.load(shared_file(params["pred"])) as results:
        names, counts = [str(name).removesuffix(".mp4") for name in results["video_id"]], results["num_boxes"]
        frames, boxes, scores = results["timestamp"], results["bboxes"], results["scores"]
    videos = [name for name, count in zip(names, counts, strict=True) for _ in range(count)]
    sizes = np.array([truth["resolution"][video] for video in videos], np.float64)
    found = Detections(
        videos=videos,
        frames=np.repeat(frames, counts),
        labels=scores.argmax(axis=1),
        scores=scores.max(axis=1),
        boxes=boxes * sizes[:, [1, 0, 1, 0]],
    )
    looked_at = {video: range(1, count + 1) for video, count in truth["nframes"].items()}
    config = TubeMap(
        frame_iou=params["F_mAP_thr"],
        video_ious=tuple(params["V_mAP_thr"]),
        linking=Linking(shortest=params["tube_thr"]),
        leave_out=UNCOUNTED,
        tube_scores="last",
    )
    figures = evaluate(_truth(truth["gttubes"]), found, looked_at, truth["labels"], config)
    told = {"frameAP": figures["frame_map"]}
    told |= {f"v_map@{iou:g}": figures[f"video_map@{iou:g}"] for iou in params["V_mAP_thr"]}
    told |= {f"v_map_{name}": figures[f"video_map@{name}"] for name in RANGES}
    return {name: 100 * value for name, value in told.items()}


def _truth(tubes: Any) -> dict[int, list[Tube]]:
    truth: dict[int, list[Tube]] = {}
    for video, by_label in tubes.items():
        for label, own in by_label.items():
            truth.setdefault(int(label), []).extend(_tube(video, rows) for rows in own)
    return truth


def _tube(video: str, rows: Any) -> Tube:
    return Tube(video, rows[:, 0].astype(int), rows[:, 1:5])


OPS = {
    "nms_tubelets": lambda params, inputs: suppress(inputs["dets"], params["overlap"], params["top_k"]),
    "tube_iou": tube_overlap,
    "multisports_eval": multisports_eval,
    "MultiSportsMetric": multisports_metric,
}
