"""Heatmaps and what leads to them against recorded figures; tests/reference/vectors.py runs them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from vidcore.errors import ConfigError
from vidcore_posec3d import transform_config as options
from vidcore_posec3d.config import Heatmaps
from vidcore_posec3d.frames import Compact, MirroredViews, persons_box
from vidcore_posec3d.task import make_heatmaps
from vidcore_skeleton.layouts import Layout
from vidcore_skeleton.skeletons import Skeleton, with_scores

Case = dict[str, Any]
# the reference's own limbs of 17 joints, which a case without others means
_LIMBS = "0-1 0-2 1-3 2-4 0-5 5-7 7-9 0-6 6-8 8-10 5-11 11-13 13-15 6-12 12-14 14-16 11-12"


def heatmaps(params: Case, inputs: Case) -> Any:
    limbs = tuple(map(tuple, params.get("skeletons", [map(int, pair.split("-")) for pair in _LIMBS.split()])))
    try:
        config = Heatmaps(
            sigma=params.get("sigma", 0.6),
            points=params.get("with_kp", True),
            limbs=limbs if params.get("with_limb") else (),
            scaling=params.get("scaling", 1.0),
        )
    except ValueError as error:  # which the reader of a file tells as this
        raise ConfigError(str(error)) from error
    joints, size = np.float32(inputs["keypoint"]), tuple(inputs["img_shape"])
    scores = inputs.get("keypoint_score")
    scores = np.ones(joints.shape[:-1]) if scores is None else np.asarray(scores)
    if not params.get("use_score", True):
        scores = np.ones_like(scores)
    skeleton = Skeleton(joints=joints, scores=np.float32(scores), image_size=size)
    if params.get("double"):
        left = tuple(params.get("left_kp", (1, 3, 5, 7, 9, 11, 13, 15)))
        right = tuple(params.get("right_kp", (2, 4, 6, 8, 10, 12, 14, 16)))
        layout = Layout(joints=joints.shape[2], left=left, right=right)
        skeleton = MirroredViews(options.MirroredViews(layout=layout)).apply(skeleton, None)
    pose = torch.from_numpy(with_scores(skeleton.joints, skeleton.scores))
    return make_heatmaps(pose[None], size, config)[0]  # type: ignore[arg-type]


def channels_last(params: Case, inputs: Case) -> Any:
    return {"imgs": heatmaps(params, inputs).permute(1, 2, 3, 0), "layout": "rc3: T,H,W,K"}


def frames_first(params: Case, inputs: Case) -> Any:
    return {"imgs": heatmaps(params, inputs).transpose(0, 1), "layout": "T,K,H,W"}


def compact(params: Case, inputs: Case) -> Any:
    """Ours keeps no record of where in the source a box was; it follows from the boxes."""
    ratio = params.get("hw_ratio")
    config = options.Compact(
        padding=params.get("padding", 0.25),
        smallest=float(params.get("threshold", 10)),
        aspect=(ratio, ratio) if isinstance(ratio, float) else tuple(ratio) if ratio else None,
        inside=not params.get("allow_imgpad", True),
    )
    size = tuple(inputs["img_shape"])
    joints = np.nan_to_num(np.asarray(inputs["keypoint"]))  # such a number never comes so far
    found = Compact(config).apply(Skeleton(joints=joints, image_size=size), None)
    told = {"keypoint": found.joints, "img_shape": list(found.image_size or ())}
    box = persons_box(joints, size, config)
    if box is None:
        return told | {"has_quadruple": False}
    left, top, width, height = inputs.get("crop_quadruple", (0.0, 0.0, 1.0, 1.0))
    x1, y1, x2, y2 = box[0] / size[1], box[1] / size[0], box[2] / size[1], box[3] / size[0]
    whole = [left + x1 * width, top + y1 * height, (x2 - x1) * width, (y2 - y1) * height]
    return told | {"crop_quadruple": whole}


OPS = {
    "GeneratePoseTarget": channels_last,
    "GeneratePoseTarget(main)": frames_first,
    "PoseCompact": compact,
    "MMCompact(main)": compact,
}
