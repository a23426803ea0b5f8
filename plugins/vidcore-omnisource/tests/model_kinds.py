"""How the network of images and videos is called; tests/reference/models.py finds the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def outputs_of_images_and_videos(model: nn.Module, spec: dict[str, Any], arrays: dict[str, Any]) -> dict[str, Tensor]:
    """Clips `[batch, views, C, T, H, W]`, and the first frame of each as an image."""
    given = spec["input"]
    made = np.random.Generator(np.random.PCG64(given["seed"])).standard_normal(given["shape"])
    video = torch.from_numpy(made.astype(np.float32))
    image = video[0, :, :, 0]
    logits = model(video=video.flatten(0, 1), image=image)
    scores = logits["video"].unflatten(0, video.shape[:2]).softmax(dim=2).mean(dim=1)
    maps = model.features(video=video.flatten(0, 1), image=image)  # type: ignore[operator]
    return {
        "logits": logits["video"],
        "logits_image": logits["image"],
        "scores": scores,
        "feat0": maps[3],
        "feat_image0": maps[7],
    }


KINDS = {"omni": outputs_of_images_and_videos}
