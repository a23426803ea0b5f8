"""A skeleton sequence and the arithmetic on it. Letters: M persons, T frames, V joints, C channels of a joint.

Checked against recorded figures (tests/ops_skeleton.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from vidcore_skeleton.layouts import Layout

Array = NDArray[Any]
Stream = Literal["joint", "bone", "joint-motion", "bone-motion"]


@frozen(kw_only=True, eq=False)
class Skeleton:
    """Key points of a whole video."""

    joints: Array  # float32 [M, T, V, C]
    scores: Array | None = None  # confidence of each, float32 [M, T, V]; None where it is not known, or is a channel
    image_size: tuple[int, int] | None = None  # height, width that x and y are pixels of; None: they are no pixels

    @property
    def num_frames(self) -> int:
        """T."""
        return int(self.joints.shape[1])

    def at(self, frames: Array) -> Skeleton:
        """These frames of it, in the order given."""
        scores = None if self.scores is None else self.scores[:, frames]
        return evolve(self, joints=self.joints[:, frames], scores=scores)


def with_scores(joints: Array, scores: Array | None) -> Array:
    """Key points with their confidence as last channel, where it is known: `[M, T, V, C + 1]`."""
    return joints if scores is None else np.concatenate([joints, scores[..., None]], axis=-1)


def bones(joints: Array, scores: Array | None, layout: Layout) -> tuple[Array, Array | None]:
    """From the start of each bone to its joint; the confidence of a bone is the mean of its ends'."""
    starts = list(layout.bone_starts())
    vectors = joints - joints[:, :, starts]
    return vectors, None if scores is None else (scores + scores[:, :, starts]) / 2


def motion(joints: Array, scores: Array | None) -> tuple[Array, Array | None]:
    """From each frame to the next, zero at the last; the confidence is the mean of both frames'."""
    moved = np.zeros_like(joints)
    moved[:, :-1] = joints[:, 1:] - joints[:, :-1]
    if scores is None:
        return moved, None
    mean = np.zeros_like(scores)
    mean[:, :-1] = (scores[:, 1:] + scores[:, :-1]) / 2
    return moved, mean


def stream(skeleton: Skeleton, which: Stream, layout: Layout) -> Array:
    """One view of the same movement, with the confidence as last channel where it is known."""
    joints, scores = skeleton.joints, skeleton.scores
    if which.startswith("bone"):
        joints, scores = bones(joints, scores, layout)
    if which.endswith("motion"):
        joints, scores = motion(joints, scores)
    return with_scores(joints, scores)


def fill_persons(joints: Array, persons: int, fill: Literal["zeros", "repeat"]) -> Array:
    """Exactly so many persons, `[persons, T, V, C]`: the first ones, or filled up with zeros or the same ones again."""
    count = len(joints)
    if count >= persons:
        return joints[:persons]
    if fill == "repeat":
        return joints[np.arange(persons) % count]
    return np.concatenate([joints, np.zeros((persons - count, *joints.shape[1:]), joints.dtype)])


def fill_frames(joints: Array, length: int, fill: Literal["zeros", "repeat"]) -> Array:
    """Filled up to `length` frames with zeros, or by starting again. Not shorter than before."""
    frames = joints.shape[1]
    repeated = joints[:, np.arange(length) % frames]
    if fill == "zeros":
        repeated[:, frames:] = 0
    return repeated


def mirrored(
    joints: Array, scores: Array | None, layout_sides: tuple[Sequence[int], Sequence[int]], width: float
) -> tuple[Array, Array | None]:
    """Left and right swapped: x becomes `width - x` where it is not zero (not found), sides change places."""
    order = np.arange(joints.shape[2])
    left, right = map(list, layout_sides)
    order[left + right] = right + left
    joints = joints[:, :, order].copy()
    x = joints[..., 0]
    joints[..., 0] = np.where(x != 0, width - x, x)
    return joints, None if scores is None else scores[:, :, order]


def in_image(joints: Array, image_size: tuple[int, int]) -> Array:
    """Pixels to -1 ... 1 over the image in x and y; further channels stay."""
    height, width = image_size
    half = np.array([width / 2, height / 2], joints.dtype)
    scaled = joints.copy()
    scaled[..., :2] = (joints[..., :2] - half) / half
    return scaled


def upright(
    joints: Array, centre: int, spine: tuple[int, int] | None, shoulders: tuple[int, int] | None
) -> tuple[Array, Array | None]:
    """3D skeletons seen from their own first frame (Shi et al., arXiv:1805.07694, released code).

    The person with most frames comes first, and frames in which it is missing are dropped. Then its centre joint in
    its first frame becomes the origin, its spine is turned upwards (z), its shoulders to the right (x). Joints at the
    origin beforehand were not found and stay there until the turn.

    Args:
        joints: `[M, T, V, 3]`.
        centre: The joint that becomes the origin.
        spine: Its lower and upper joint; None: not turned.
        shoulders: Left and right joint; None: not turned.

    Returns:
        Float32 `[M, T', V, 3]` and the place of the origin before, `[3]`; unchanged and None where nobody is there.
    """
    seen = (joints != 0).any(axis=(2, 3))  # [M, T]
    counts = seen.sum(axis=1)
    if not counts.any():
        return joints, None
    main = int(counts.argmax())
    order = [main, *(person for person in range(len(joints)) if person != main)]
    turned = joints[order][:, seen[main]].astype(np.float64)
    origin = turned[0, 0, centre].copy()
    turned = np.where((turned != 0).any(axis=-1, keepdims=True), turned - origin, turned)
    for pair, axis in ((spine, 2), (shoulders, 0)):
        if pair is not None:
            start, end = turned[0, 0, list(pair)]
            turned = turned @ rotation_onto(end - start, np.eye(3)[axis]).T
    return turned.astype(np.float32), origin.astype(np.float32)


def rotation_onto(direction: Array, axis: Array) -> Array:
    """The rotation that turns a direction onto an axis the short way, `[3, 3]`; none where that is not defined."""
    length, turn = np.linalg.norm(direction), np.cross(direction, axis)
    angle = np.arctan2(np.linalg.norm(turn), direction @ axis)
    if length < 1e-6 or np.abs(turn).sum() < 1e-6 or abs(angle) < 1e-6:
        return np.eye(3)
    return rotation_about(turn, float(angle))


def rotation_about(axis: Array, angle: float) -> Array:
    """Rodrigues' rotation by an angle in radians about an axis of any length, `[3, 3]`."""
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn: Array = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)
    return turn
