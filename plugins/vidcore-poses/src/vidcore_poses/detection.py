"""Where people are in a picture.

Letters: R boxes, K classes, A cells of a detector's grids. Boxes are x1, y1, x2, y2 in pixels.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vidcore.data.video.views import resize
from vidcore.errors import ConfigError
from vidcore_poses.config import Detector
from vidcore_poses.onnx_files import Array, OnnxRunner

_STRIDES = (8, 16, 32)


class PersonDetector:
    """Boxes of the people in a picture."""

    def __init__(self, runner: OnnxRunner, config: Detector) -> None:
        self._runner, self._config = runner, config
        self._outputs = [runner.output(config.boxes, 0, "detector.boxes")]
        if config.output == "boxes" and (config.labels or len(runner.outputs) > 1):
            self._outputs.append(runner.output(config.labels, 1, "detector.labels"))

    def find(self, frame: Tensor) -> Array:
        """People, the most certain first.

        Args:
            frame: RGB uint8 `[3, H, W]`.

        Returns:
            x1, y1, x2, y2, score: float32 `[R, 5]`, inside the picture.

        Raises:
            ConfigError: The model's outputs are not what its description says.
        """
        picture, factor = fitted(frame, self._config.input_size, self._config.pad)
        rows, *labels = self._runner.run(picture[None], self._outputs)
        if self._config.output == "yolox":
            found = self._of_grids(rows[0])
        else:
            found = self._of_rows(rows[0], labels[0][0] if labels else None)
        found = found[np.isfinite(found).all(axis=1) & (found[:, 4] >= self._config.score)]
        height, width = frame.shape[1:]
        found[:, :4] = np.clip(found[:, :4] / factor, 0, [width, height, width, height])
        found = found[(found[:, 2] - found[:, 0] >= 1) & (found[:, 3] - found[:, 1] >= 1)]
        return without_overlaps(found, self._config.overlap)

    def _of_rows(self, rows: Array, labels: Array | None) -> Array:
        if rows.ndim != 2 or rows.shape[1] != 5 or (labels is not None and labels.shape != rows.shape[:1]):
            self._refuse(rows, "[boxes, 5], and classes [boxes]")
        return rows.astype(np.float32) if labels is None else rows[labels == self._config.person].astype(np.float32)

    def _of_grids(self, rows: Array) -> Array:
        """Boxes of all cells, whose centre and size a cell tells relative to its own place and stride."""
        height, width = self._config.input_size
        places, strides = [], []
        for stride in _STRIDES:
            y, x = np.mgrid[: height // stride, : width // stride]
            places.append(np.stack([x, y], axis=-1).reshape(-1, 2))
            strides.append(np.full((places[-1].shape[0], 1), stride, np.float32))
        place, stride_of = np.concatenate(places), np.concatenate(strides)
        if rows.ndim != 2 or rows.shape[0] != len(place) or rows.shape[1] <= 5 + self._config.person:
            self._refuse(rows, f"[{len(place)}, 5 + classes]")
        centre = (rows[:, :2] + place) * stride_of
        half = np.exp(np.minimum(rows[:, 2:4], 20)) * stride_of / 2  # no overflow where a cell knows nothing
        score = rows[:, 4] * rows[:, 5 + self._config.person]
        return np.concatenate([centre - half, centre + half, score[:, None]], axis=1).astype(np.float32)

    def _refuse(self, rows: Array, expected: str) -> None:
        raise ConfigError(
            f"{self._runner.where}: output {self._outputs[0]!r} is {list(rows.shape)} for a picture; "
            f"detector.output = {self._config.output!r} expects {expected}"
        )


def fitted(frame: Tensor, size: tuple[int, int], pad: int) -> tuple[Tensor, float]:
    """A picture scaled to fit into `size` and filled up, float32 `[3, H, W]`, and the factor that it was scaled by."""
    height, width = frame.shape[1:]
    factor = min(size[0] / height, size[1] / width)
    inner = (max(int(height * factor), 1), max(int(width * factor), 1))
    picture = torch.full((3, *size), float(pad))
    picture[:, : inner[0], : inner[1]] = resize(frame[None], inner)[0].float()
    return picture, factor


def without_overlaps(boxes: Array, overlap: float) -> Array:
    """The boxes in order of their scores, without those that cover a better one, `[R, 5]`."""
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    kept: list[int] = []
    for index in range(len(boxes)):
        if not kept or box_overlap(boxes[index : index + 1], boxes[kept]).max() < overlap:
            kept.append(index)
    return boxes[kept]


def box_overlap(first: Array, second: Array) -> Array:
    """Intersection over union of each pair, `[R, S]`, of boxes `[R, 4...]` and `[S, 4...]` that have an area."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:4], second[None, :, 2:4])
    shared = np.clip(high - low, 0, None).prod(axis=-1)
    areas = [(boxes[:, 2:4] - boxes[:, :2]).prod(axis=-1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None] - shared
    shares: Array = shared / union
    return shares
