"""The components of kind `pose-transform`.

Each has `apply(skeleton, rng) -> Skeleton`. A sample's generator is used by its transforms in the order in which they
are configured; each says what it draws. Without a generator (None, in testing) nothing is left to chance.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from attrs import evolve

from vidcore.errors import DataError
from vidcore_skeleton import skeletons
from vidcore_skeleton import transform_config as options
from vidcore_skeleton.layouts import Layout, layout_of
from vidcore_skeleton.skeletons import Skeleton


@runtime_checkable
class PoseTransform(Protocol):
    """Changes a skeleton sequence. Holds nothing but its options."""

    def apply(self, skeleton: Skeleton, rng: np.random.Generator | None) -> Skeleton:
        """A new sequence; arrays of the given one are left as they are.

        Raises:
            DataError: The sequence does not fit, such as other joints than the layout's.
        """


@runtime_checkable
class OfSampledFrames(Protocol):
    """A pose transform that sees the frames of all clips, one clip after the other, and so do those that follow it."""

    of_sampled_frames: bool  # True


class Normalize2d:
    """Pixels to -1 ... 1. Draws nothing."""

    def __init__(self, config: options.Normalize2d) -> None:
        self.config = config

    def apply(self, skeleton: Skeleton, rng: np.random.Generator | None) -> Skeleton:
        """See `PoseTransform.apply`."""
        size = skeleton.image_size or self.config.image_size
        return evolve(skeleton, joints=skeletons.in_image(skeleton.joints, size), image_size=None)


class Normalize3d:
    """Moved and turned by the first frame. Draws nothing."""

    def __init__(self, config: options.Normalize3d) -> None:
        self.config = config

    def apply(self, skeleton: Skeleton, rng: np.random.Generator | None) -> Skeleton:
        """See `PoseTransform.apply`. Confidences, where there are some, are dropped."""
        config, (joints, channels) = self.config, skeleton.joints.shape[2:]
        if channels != 3 or max(config.centre, *config.spine, *config.shoulders) >= joints:
            raise DataError(
                f"normalize-3d wants x, y, z of joints {config.centre}, {config.spine}, {config.shoulders}; "
                f"here are {joints} joints with {channels} channels"
            )
        turned, _ = skeletons.upright(
            skeleton.joints,
            config.centre,
            config.spine if config.align_spine else None,
            config.shoulders if config.align_shoulders else None,
        )
        return Skeleton(joints=turned)


class Streams:
    """Joints to bones and motions. Draws nothing."""

    def __init__(self, config: options.Streams) -> None:
        self.config = config
        self._layout = layout_of(config.layout)

    def apply(self, skeleton: Skeleton, rng: np.random.Generator | None) -> Skeleton:
        """See `PoseTransform.apply`. Confidences become a channel of each stream."""
        check_joints(skeleton, self._layout)
        streams = [skeletons.stream(skeleton, which, self._layout) for which in self.config.streams]
        return evolve(skeleton, joints=np.concatenate(streams, axis=-1), scores=None)


class PadFrames:
    """Filled up to a length. Draws nothing."""

    def __init__(self, config: options.PadFrames) -> None:
        self.config = config

    def apply(self, skeleton: Skeleton, rng: np.random.Generator | None) -> Skeleton:
        """See `PoseTransform.apply`."""
        length, fill = self.config.length, self.config.fill
        if skeleton.num_frames > length:
            raise DataError(f"{skeleton.num_frames} frames, more than the {length} that pad-frames fills up to")
        scores = skeleton.scores
        return evolve(
            skeleton,
            joints=skeletons.fill_frames(skeleton.joints, length, fill),
            scores=None if scores is None else skeletons.fill_frames(scores, length, fill),
        )


class Mirror:
    """Left and right swapped. Draws whether."""

    def __init__(self, config: options.Mirror) -> None:
        self.config = config
        self._layout = layout_of(config.layout)

    def apply(self, skeleton: Skeleton, rng: np.random.Generator | None) -> Skeleton:
        """See `PoseTransform.apply`. Pixels are mirrored in the image, other coordinates at x = 0."""
        check_joints(skeleton, self._layout)
        if rng is None or rng.random() >= self.config.probability:
            return skeleton
        width = skeleton.image_size[1] if skeleton.image_size else 0
        sides = (self._layout.left, self._layout.right)
        joints, scores = skeletons.mirrored(skeleton.joints, skeleton.scores, sides, width)
        return evolve(skeleton, joints=joints, scores=scores)


class RandomScale:
    """Each axis stretched. Draws a factor an axis."""

    def __init__(self, config: options.RandomScale) -> None:
        self.config = config

    def apply(self, skeleton: Skeleton, rng: np.random.Generator | None) -> Skeleton:
        """See `PoseTransform.apply`."""
        if rng is None:
            return skeleton
        amount = self.config.amount
        factors = np.float32(rng.uniform(1 - amount, 1 + amount, (skeleton.joints.shape[-1],)))
        return evolve(skeleton, joints=skeleton.joints * factors)


class RandomRotate:
    """Turned about the origin. Draws three angles in 3D, one in 2D."""

    def __init__(self, config: options.RandomRotate) -> None:
        self.config = config

    def apply(self, skeleton: Skeleton, rng: np.random.Generator | None) -> Skeleton:
        """See `PoseTransform.apply`."""
        channels = skeleton.joints.shape[-1]
        if channels not in (2, 3):
            raise DataError(f"random-rotate turns x, y or x, y, z; here are {channels} channels: put it before streams")
        if rng is None:
            return skeleton
        angles = rng.uniform(-self.config.angle, self.config.angle, 3 if channels == 3 else 1)
        turn = np.eye(3)
        for axis, angle in zip(np.eye(3)[-len(angles) :], angles, strict=True):
            turn = skeletons.rotation_about(axis, float(angle)) @ turn
        return evolve(skeleton, joints=skeleton.joints @ turn[:channels, :channels].T.astype(np.float32))


def check_joints(skeleton: Skeleton, layout: Layout) -> None:
    """Refuse a sequence with other joints than the layout's.

    Raises:
        DataError: It has.
    """
    if skeleton.joints.shape[2] != layout.joints:
        raise DataError(f"the sequence has {skeleton.joints.shape[2]} joints, the layout {layout.joints}")
