"""Boxes: x1, y1, x2, y2. Either shares of a frame (0 ... 1), or pixels of a clip; names and docstrings say which.

Letters: N boxes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidcore.data.geometry import CropStep, FlipStep, Geometry
from vidcore.interfaces import Scaling

Boxes = NDArray[Any]  # [N, 4]
_FRAME_MARGIN = 1  # pixel that boxes keep from the lower and right border in figures made with "reference"


def to_pixels(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """Shares of a frame as pixels of one of height, width."""
    height, width = size
    pixels: Boxes = boxes * np.array([width, height, width, height], boxes.dtype)
    return pixels


def clip_boxes(boxes: Boxes, size: tuple[int, int], margin: int = 0) -> Boxes:
    """Boxes in pixels, cut off at the border of a frame of height, width."""
    height, width = size
    return np.clip(boxes, 0, np.array([width, height, width, height], boxes.dtype) - margin)


def move_boxes(boxes: Boxes, geometry: Geometry, scaling: Scaling) -> Boxes:
    """Boxes in pixels of the source frame where a clip shows them, cut off at its border.

    With "reference" the steps are followed one by one and each crop cuts boxes off one pixel before the lower and right
    border, as published figures had it.
    """
    if scaling != "reference":
        return clip_boxes(geometry.plan(scaling).boxes(boxes), geometry.size)
    size: tuple[int, int] = geometry.source
    for step in geometry.steps:
        boxes = _moved(boxes, step.matrix(*size))
        if not isinstance(step, FlipStep):
            size = (step.height, step.width)
        if isinstance(step, CropStep):
            boxes = clip_boxes(boxes, size, _FRAME_MARGIN)
    return boxes


def box_iou(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Intersection over union of every pair, `[N, M]`; 0 where both boxes are empty."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    top_left = np.maximum(first[:, None, :2], second[None, :, :2])
    bottom_right = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.prod(np.maximum(bottom_right - top_left, 0.0), axis=2)
    union = _areas(first)[:, None] + _areas(second)[None] - shared
    overlaps: NDArray[np.float64] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlaps


def whole_frame(size: tuple[int, int] = (1, 1)) -> Tensor:
    """The one box that is the whole of a frame of height, width: `[1, 4]`."""
    return torch.tensor([[0.0, 0.0, float(size[1]), float(size[0])]])


def _areas(boxes: Boxes) -> NDArray[np.float64]:
    areas: NDArray[np.float64] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas


def _moved(boxes: Boxes, matrix: NDArray[np.float64]) -> Boxes:
    first = boxes[..., :2] @ matrix[:2, :2].T + matrix[:2, 2]
    second = boxes[..., 2:] @ matrix[:2, :2].T + matrix[:2, 2]
    moved = np.concatenate([np.minimum(first, second), np.maximum(first, second)], axis=-1)
    return moved.astype(boxes.dtype, copy=False)
