"""How models of skeletons are called; tests/reference/models.py finds the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def outputs_of_skeletons(model: nn.Module, spec: dict[str, Any], arrays: dict[str, Any]) -> dict[str, Tensor]:
    """Sequences `[batch, views, M, T, V, C]`, each view a sample of its own."""
    given = spec["input"]
    rng = np.random.Generator(np.random.PCG64(given["seed"]))
    pose = torch.from_numpy(rng.standard_normal(given["shape"]).astype(np.float32))
    rows = pose.flatten(0, 1)
    logits = model(pose=rows)
    scores = logits.unflatten(0, pose.shape[:2]).softmax(dim=2).mean(dim=1)
    return {"logits": logits, "scores": scores, "feat0": model.features(pose=rows)[-1]}  # type: ignore[operator]


KINDS = {"gcn": outputs_of_skeletons}
