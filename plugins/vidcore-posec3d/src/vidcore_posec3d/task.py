"""Recognition from key points: heatmaps are made of them on the device, for the whole batch.

Letters: R rows (views of all samples), M persons, T frames, V joints, C channels of a joint, H W pixels of a map,
K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from attrs import evolve
from torch import Tensor, nn

from vidcore.errors import DataError
from vidcore.interfaces import Loss
from vidcore.values import Batch, Prediction
from vidcore_posec3d.config import HeatmapRecognition, Heatmaps, RgbPoseRecognition
from vidcore_posec3d.heatmaps import limb_maps, point_maps
from vidcore_recognition.task import RecognitionTask


class HeatmapTask(RecognitionTask):
    """Recognition in which `pose` becomes `heatmap` before a model sees it. Other inputs stay as they are."""

    def __init__(self, config: HeatmapRecognition, classes: Sequence[str]) -> None:
        super().__init__(config, classes)
        self._heatmaps = config.heatmaps

    def prepare(self, batch: Batch, rng: np.random.Generator, training: bool) -> Batch:
        """Heatmaps of key points; pixels to normalised float32; in training also mixup and cutmix.

        Raises:
            DataError: There are no key points, or it is not known which frame they lie in.
        """
        inputs = dict(batch.inputs)
        if "pose" not in inputs:
            raise DataError(f"heatmaps are made of key points (`pose`), but the data gives {', '.join(inputs)}")
        inputs["heatmap"] = make_heatmaps(inputs.pop("pose"), common_frame(batch), self._heatmaps)
        return super().prepare(evolve(batch, inputs=inputs), rng, training)


class RgbPoseTask(HeatmapTask):
    """Recognition with two answers, `{"rgb": [R, K], "pose": [R, K]}`. The loss is the weighted sum of theirs."""

    def __init__(self, config: RgbPoseRecognition, classes: Sequence[str]) -> None:
        super().__init__(config, classes)
        self._weights = {"rgb": config.rgb_weight, "pose": config.pose_weight}
        self._shares = {"rgb": config.rgb_share, "pose": 1 - config.rgb_share}

    def forward(self, model: nn.Module, batch: Batch) -> Any:
        """Logits of every view, by stream."""
        return model(**batch.inputs)

    def loss(self, outputs: Any, batch: Batch) -> Loss:
        """Weighted sum of the losses of both streams, over all views."""
        losses = {name: super(RgbPoseTask, self).loss(outputs[name], batch) for name in self._weights}
        parts = {f"{name}_{part}": value for name, loss in losses.items() for part, value in loss.parts.items()}
        total = torch.stack([weight * losses[name].total for name, weight in self._weights.items()]).sum()
        return Loss(total=total, parts={"loss": total.detach(), **parts})

    def predict(self, outputs: Any, batch: Batch) -> list[Prediction]:
        """Scores of both together, and those of each stream as `rgb_scores` and `pose_scores`."""
        streams = {name: super(RgbPoseTask, self).predict(outputs[name], batch) for name in self._shares}
        predictions = []
        for rows in zip(*streams.values(), strict=True):
            scores = {f"{name}_scores": row.outputs["scores"] for name, row in zip(streams, rows, strict=True)}
            both = sum(share * scores[f"{name}_scores"] for name, share in self._shares.items())
            predictions.append(evolve(rows[0], outputs={"scores": both, **scores}))
        return predictions


def make_heatmaps(pose: Tensor, frame: tuple[int, int], config: Heatmaps) -> Tensor:
    """Maps of joints, then of limbs, float32 `[R, V', T, H, W]`.

    Args:
        pose: x, y in pixels of the frame, and where it is known how sure they are: `[R, M, T, V, 2 or 3]`.
        frame: Height and width.
        config: What is made, and how large.

    Raises:
        DataError: Joints have other channels, or a limb's joint is not there.
    """
    pose, limbs = pose.float(), config.pairs()
    if pose.shape[-1] not in (2, 3):
        raise DataError(f"heatmaps want x, y and a confidence of each joint; here are {pose.shape[-1]} channels")
    if missing := {joint for limb in limbs for joint in limb if joint >= pose.shape[-2]}:
        raise DataError(f"limbs name joints {sorted(missing)}, but the data has 0 ... {pose.shape[-2] - 1}")
    points, known = pose[..., :2] * config.scaling, pose.shape[-1] == 3
    # without a confidence, a joint at 0, 0 was not found: so are persons that a sample has less than others
    scores = pose[..., 2] if known and config.scores else (points != 0).any(dim=-1).float()
    size = (int(frame[0] * config.scaling + 0.5), int(frame[1] * config.scaling + 0.5))
    maps = [point_maps(points, scores, size, config.sigma)] if config.points else []
    maps += [limb_maps(points, scores, limbs, size, config.sigma)] if limbs else []
    return torch.cat(maps, dim=1)


def common_frame(batch: Batch) -> tuple[int, int]:
    """Height and width of the frame that the key points of all samples lie in.

    Raises:
        DataError: It is not known, or they differ.
    """
    sizes = {tuple(size) if (size := meta.get("frame_size")) else None for meta in batch.meta}
    if len(sizes) > 1 or None in sizes:
        told = ", ".join("unknown" if size is None else f"{size[0]}x{size[1]}" for size in sizes)
        raise DataError(
            f"key points of a batch must lie in frames of one known size, here: {told} (height x width); end the "
            "transforms with a crop or resize to an exact size, and put `project` first where they are no pixels"
        )
    height, width = cast("tuple[int, int]", sizes.pop())
    return height, width
