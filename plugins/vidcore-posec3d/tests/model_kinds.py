"""How the network of two streams is called; tests/reference/models.py finds the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def outputs_of_two_streams(model: nn.Module, spec: dict[str, Any], arrays: dict[str, Any]) -> dict[str, Tensor]:
    """Clips `[batch, views, C, T, H, W]`, and heatmaps of `pose_shape` whose seed is one higher."""
    seed = spec["input"]["seed"]
    video, heatmap = (
        torch.from_numpy(np.random.Generator(np.random.PCG64(s)).standard_normal(shape).astype(np.float32))
        for s, shape in ((seed, spec["input"]["shape"]), (seed + 1, spec["pose_shape"]))
    )
    views = video.shape[:2]
    inputs = {"video": video.flatten(0, 1), "heatmap": heatmap.flatten(0, 1)}
    logits = model(**inputs)
    scores = {name: x.unflatten(0, views).softmax(dim=2).mean(dim=1) for name, x in logits.items()}
    rgb, pose = model.features(**inputs)  # type: ignore[operator]
    return {
        "logits": logits["rgb"],
        "logits_pose": logits["pose"],
        "scores": scores["rgb"],
        "scores_pose": scores["pose"],
        "feat0": rgb,
        "feat1": pose,
    }


KINDS = {"rgbpose": outputs_of_two_streams}
