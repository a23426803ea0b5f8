"""Pose transforms for key points that are pixels of a frame: the frame is cut and scaled, and they with it.

Letters: M persons, T frames, V joints. x and y are the first two channels of a joint; a coordinate of exactly 0 means
that the joint was not found.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import evolve
from numpy.typing import NDArray

from vidcore.data import transforms as frame_transforms
from vidcore.data.geometry import Geometry
from vidcore.data.transforms import WHOLE, GeometricTransform
from vidcore.errors import DataError
from vidcore_posec3d import transform_config as options
from vidcore_skeleton.layouts import layout_of
from vidcore_skeleton.skeletons import Skeleton, mirrored
from vidcore_skeleton.transforms import check_joints

Array = NDArray[Any]
Box = tuple[int, int, int, int]  # x1, y1, x2, y2 in pixels


def frame_size(skeleton: Skeleton) -> tuple[int, int]:
    """Height and width of the frame that x and y are pixels of.

    Raises:
        DataError: They are no pixels.
    """
    if skeleton.image_size is None:
        raise DataError(
            "it is not known which frame the key points lie in: the data gives no img_shape; for skeletons in space "
            "put `project` before the other transforms"
        )
    return skeleton.image_size


def persons_box(points: Array, size: tuple[int, int], config: options.Compact) -> Box | None:
    """The box of all joints that were found, as configured; None where it is too small to say anything.

    Args:
        points: `[..., 2]` or more channels.
        size: Height and width of the frame.
        config: How the box grows.
    """
    found = [axis[axis != 0] for axis in (points[..., 0], points[..., 1])]
    if not all(axis.size for axis in found):
        return None
    (left, right), (top, bottom) = ((float(axis.min()), float(axis.max())) for axis in found)
    if right - left < config.smallest or bottom - top < config.smallest:
        return None
    x, y = (left + right) / 2, (top + bottom) / 2
    half_width, half_height = (
        (end - start) / 2 * (1 + config.padding) for start, end in ((left, right), (top, bottom))
    )
    if config.aspect is not None:
        half_height = max(config.aspect[0] * half_width, half_height)
        half_width = max(half_height / config.aspect[1], half_width)
    edges = (x - half_width, y - half_height, x + half_width, y + half_height)
    if config.inside:
        height, width = size
        edges = (max(edges[0], 0), max(edges[1], 0), min(edges[2], width), min(edges[3], height))
    x1, y1, x2, y2 = map(int, edges)  # towards zero, as published figures had it
    return x1, y1, x2, y2


def moved(joints: Array, box: Box) -> Array:
    """Joints with the box's corner as origin; what was not found stays at 0."""
    shifted = joints.copy()
    for axis, start in enumerate(box[:2]):
        values = joints[..., axis]
        shifted[..., axis] = np.where(values != 0, values - start, values)
    return shifted


class Compact:
    """The frame is cut to the box of all persons. Draws nothing."""

    of_sampled_frames = True

    def __init__(self, config: options.Compact) -> None:
        self.config = config

    def apply(self, skeleton: Skeleton, rng: np.random.Generator | None) -> Skeleton:
        """See `PoseTransform.apply`."""
        box = persons_box(skeleton.joints, frame_size(skeleton), self.config)
        if box is None:
            return skeleton
        x1, y1, x2, y2 = box
        return evolve(skeleton, joints=moved(skeleton.joints, box), image_size=(y2 - y1, x2 - x1))


class Project:
    """Two axes become x and y of a frame. Draws nothing. Joints at the origin were not found."""

    def __init__(self, config: options.Project) -> None:
        self.config = config

    def apply(self, skeleton: Skeleton, rng: np.random.Generator | None) -> Skeleton:
        """See `PoseTransform.apply`. The sequence stands in the middle, as large as it fits."""
        channels = skeleton.joints.shape[-1]
        if max(self.config.axes) >= channels:
            raise DataError(f"project wants axes {self.config.axes}, but joints have {channels} channels")
        points = skeleton.joints[..., list(self.config.axes)]
        points = points * np.array([1, -1 if self.config.up else 1], points.dtype)
        found = (skeleton.joints != 0).any(axis=-1)  # [M, T, V]
        if not found.any():
            raise DataError("all joints lie at the origin: nobody was found in this sequence; take it out of the list")
        low, high = points[found].min(axis=0), points[found].max(axis=0)
        size = self.config.size
        scale = (size - 1) / max(float((high - low).max()), 1e-6)
        pixels = (points - (low + high) / 2) * scale + size / 2
        joints = np.where(found[..., None], pixels, 0).astype(np.float32)
        return evolve(skeleton, joints=joints, image_size=(size, size))


class _InFrame:
    """Does to key points what a transform of frames plans."""

    of_sampled_frames = True

    def __init__(self, transform: GeometricTransform) -> None:
        self._transform = transform

    def apply(self, skeleton: Skeleton, rng: np.random.Generator | None) -> Skeleton:
        """See `PoseTransform.apply`."""
        geometry = self._transform.plan(Geometry(frame_size(skeleton)), rng, WHOLE)
        return evolve(skeleton, joints=through(geometry, skeleton.joints), image_size=geometry.size)


def through(geometry: Geometry, joints: Array) -> Array:
    """Joints where the steps of a geometry take them; those at 0, 0 were not found and stay there."""
    matrix = geometry.matrix().astype(joints.dtype)
    points = joints[..., :2] @ matrix[:2, :2].T + matrix[:2, 2]
    points = np.where((joints[..., :2] != 0).any(axis=-1, keepdims=True), points, 0)
    return np.concatenate([points, joints[..., 2:]], axis=-1).astype(joints.dtype, copy=False)


def resize(config: options.Resize) -> _InFrame:
    """The component `resize`. Draws nothing."""
    return _InFrame(frame_transforms.Resize(config))


def random_resized_crop(config: options.RandomResizedCrop) -> _InFrame:
    """The component `random-resized-crop`. Draws as that of frames."""
    return _InFrame(frame_transforms.RandomResizedCrop(config))


def center_crop(config: options.CenterCrop) -> _InFrame:
    """The component `center-crop`. Draws nothing."""
    return _InFrame(frame_transforms.CenterCrop(config))


class MirroredViews:
    """All clips once more, mirrored in the frame. Draws nothing."""

    of_sampled_frames = True

    def __init__(self, config: options.MirroredViews) -> None:
        self.config = config
        self._layout = layout_of(config.layout)

    def apply(self, skeleton: Skeleton, rng: np.random.Generator | None) -> Skeleton:
        """See `PoseTransform.apply`."""
        check_joints(skeleton, self._layout)
        sides = (self._layout.left, self._layout.right)
        joints, scores = mirrored(skeleton.joints, skeleton.scores, sides, frame_size(skeleton)[1])
        if skeleton.scores is not None:
            scores = np.concatenate([skeleton.scores, scores], axis=1)
        return evolve(skeleton, joints=np.concatenate([skeleton.joints, joints], axis=1), scores=scores)
