"""Key points of people whose boxes are known (top-down).

Letters: R people, V key points, H W pixels of the model's input. A place in the input is told as an index of pixels;
index 0 lies at the left edge of the enlarged box, index W at its right edge.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from vidcore.errors import ConfigError
from vidcore_poses.config import Pose
from vidcore_poses.onnx_files import Array, OnnxRunner


class PoseEstimator:
    """Key points within boxes."""

    def __init__(self, runner: OnnxRunner, config: Pose) -> None:
        self._runner, self._config = runner, config
        self._outputs = (
            [runner.output(config.x, 0, "pose.x"), runner.output(config.y, 1, "pose.y")]
            if config.output == "simcc"
            else [runner.output(config.maps, 0, "pose.maps")]
        )

    def find(self, frame: Tensor, boxes: Array) -> Array:
        """The key points in each box.

        Args:
            frame: RGB uint8 `[3, H, W]`.
            boxes: `[R, 4...]`, at least one.

        Returns:
            x, y in pixels of the frame and score, float32 `[R, V, 3]`; all zero where a key point was not found.

        Raises:
            ConfigError: The model's outputs are not what its description says.
        """
        low, size = enlarged(boxes, self._config.input_size, self._config.padding)
        found = self._runner.run(cut_out(frame, low, size, self._config.input_size), self._outputs)
        expected = 3 if self._config.output == "simcc" else 4
        if any(one.ndim != expected or one.shape[:2] != found[0].shape[:2] for one in found):
            told = ", ".join(f"{name} {list(one.shape)}" for name, one in zip(self._outputs, found, strict=True))
            wanted = "[N, V, cells] twice" if expected == 3 else "[N, V, height, width]"
            raise ConfigError(
                f"{self._runner.where} gives {told}; pose.output = {self._config.output!r} expects {wanted}"
            )
        places, scores = (
            simcc_places(found[0], found[1], self._config.split)
            if self._config.output == "simcc"
            else heatmap_places(found[0], self._config.input_size)
        )
        height, width = self._config.input_size
        points = low[:, None] + places / [width, height] * size[:, None]
        points = np.concatenate([points, scores[..., None]], axis=-1).astype(np.float32)
        points[~(np.isfinite(points).all(axis=-1) & (scores > 0))] = 0
        return points


def enlarged(boxes: Array, input_size: tuple[int, int], padding: float) -> tuple[Array, Array]:
    """Upper left corner and width, height of boxes, enlarged by `padding` and to the input's shape; each `[R, 2]`."""
    centre, size = (boxes[:, :2] + boxes[:, 2:4]) / 2, (boxes[:, 2:4] - boxes[:, :2]) * padding
    height, width = input_size
    wide = np.maximum(size[:, 0], size[:, 1] * width / height)
    size = np.stack([wide, wide * height / width], axis=1)
    return centre - size / 2, size


def cut_out(frame: Tensor, low: Array, size: Array, input_size: tuple[int, int]) -> Tensor:
    """The enlarged boxes as pictures, float32 `[R, 3, H, W]`; black outside the frame."""
    height, width = input_size
    x = low[:, :1] + np.arange(width) * size[:, :1] / width  # [R, W], indices of pixels of the frame
    y = low[:, 1:] + np.arange(height) * size[:, 1:] / height  # [R, H]
    full_height, full_width = frame.shape[1:]
    x, y = (2 * x + 1) / full_width - 1, (2 * y + 1) / full_height - 1
    shape = (len(low), height, width)
    grid = np.stack([np.broadcast_to(x[:, None], shape), np.broadcast_to(y[:, :, None], shape)], axis=-1)
    frames = frame.float()[None].expand(len(low), -1, -1, -1)
    return grid_sample(frames, torch.from_numpy(grid.astype(np.float32)), align_corners=False)


def simcc_places(x: Array, y: Array, split: float) -> tuple[Array, Array]:
    """The best cell of each row, as a place in the input `[R, V, 2]`, and the score of the less certain one `[R, V]`.

    Source: Li et al., arXiv:2107.03332; scores as in RTMPose, arXiv:2303.07399, released code.
    """
    places = np.stack([x.argmax(axis=-1), y.argmax(axis=-1)], axis=-1) / split
    return places, np.minimum(x.max(axis=-1), y.max(axis=-1))


def heatmap_places(maps: Array, input_size: tuple[int, int]) -> tuple[Array, Array]:
    """The peak of each map, moved a quarter towards the higher neighbour, as a place in the input, and its height."""
    height, width = maps.shape[2:]
    flat = maps.reshape(*maps.shape[:2], -1)
    best = flat.argmax(axis=-1)
    y, x = best // width, best % width
    people, points = np.ogrid[: maps.shape[0], : maps.shape[1]]
    padded = np.pad(maps, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    across = np.sign(padded[people, points, y + 1, x + 2] - padded[people, points, y + 1, x])
    down = np.sign(padded[people, points, y + 2, x + 1] - padded[people, points, y, x + 1])
    places = np.stack([x + across / 4, y + down / 4], axis=-1)
    return places * [input_size[1] / width, input_size[0] / height], flat.max(axis=-1)
