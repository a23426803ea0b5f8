"""Skeletons painted over frames, or alone. Letters: M persons, T frames, V joints, H W pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from torch import Tensor

from vidcore_skeleton.layouts import LAYOUTS, Layout, layout_of
from vidcore_skeleton.skeletons import Array, Skeleton
from vidcore_skeleton.transform_config import Mirror, Streams
from vidcore_visual.painting import PALETTE, Canvas, Colour, check_frames, colour_of

_LEFT, _RIGHT, _MIDDLE = PALETTE[1], PALETTE[0], (225, 228, 232)
_SURE = 0.3  # confidence from which a joint is drawn
_ALONE = (480, 480)  # H, W, where no image belongs to a skeleton
_MARGIN = 0.1  # of the frame, around a skeleton that is no pixels


class SkeletonLayer:
    """A skeleton sequence as something to be seen.

    The left side is blue, the right one orange. Key points in pixels of an image stand where they are; others, such as
    those in metres, are fitted into the frame, all of a sequence alike.

    Args:
        skeleton: The sequence.
        layout: Which joints hang together; None: found by the number of joints, without bones where that is not known.
    """

    def __init__(self, skeleton: Skeleton, layout: Layout | None = None) -> None:
        self._skeleton = skeleton
        self._layout = layout or usual_layout(skeleton)
        self._colours = side_colours(self._layout)
        self.num_frames = skeleton.num_frames
        self.size = skeleton.image_size or _ALONE

    def over(self, frames: Tensor, places: Sequence[float]) -> Tensor:
        """Painted over frames, uint8 `[T, 3, H, W]` in and out; `places` are their moments, 0 ... 1 of its length."""
        check_frames(frames)
        size = (frames.shape[2], frames.shape[3])
        points = in_frame(self._skeleton, self._layout, size)
        painted = frames.clone()
        for i, place in enumerate(places):
            canvas = Canvas(size)
            moment = min(round(place * (self.num_frames - 1)), self.num_frames - 1)
            for person, joints in enumerate(points[:, moment]):
                self._paint(canvas, joints, person)
            painted[i : i + 1] = canvas.over(frames[i : i + 1])
        return painted

    def _paint(self, canvas: Canvas, joints: Array, person: int) -> None:
        """Joints `[V, 2]` in pixels; nan where one was not found."""
        found: Array = np.asarray(np.isfinite(joints).all(axis=1))
        width = max(2, round(min(canvas.height, canvas.width) / 110))
        for thick, shade in ((width + 2, True), (width, False)):
            for child, parent in self._layout.edges:
                if found[child] and found[parent]:
                    ends = [tuple(joints[child].tolist()), tuple(joints[parent].tolist())]
                    canvas.pen.line(ends, fill=(0, 0, 0, 150) if shade else (*self._colours[child], 255), width=thick)
        dot = width * 0.9 + 0.5
        for joint in np.flatnonzero(found).tolist():
            x, y = joints[joint].tolist()
            colour: Colour = self._colours[joint] if not person else colour_of(person + 2)
            canvas.pen.ellipse((x - dot, y - dot, x + dot, y + dot), fill=(*colour, 255), outline=(0, 0, 0, 150))


def usual_layout(skeleton: Skeleton) -> Layout:
    """The layout with so many joints; of 25, that of Kinect where joints have a depth. One without bones where none."""
    count = skeleton.joints.shape[2]
    known = [layout for layout in LAYOUTS.values() if layout.joints == count]
    deep = [layout for layout in known if layout.upwards == _has_depth(skeleton)]
    return next(iter(deep or known), Layout(joints=count))


def side_colours(layout: Layout) -> list[Colour]:
    """The colour of each joint, and of the bone that starts there."""
    sides = {**dict.fromkeys(layout.left, _LEFT), **dict.fromkeys(layout.right, _RIGHT)}
    return [sides.get(joint, _MIDDLE) for joint in range(layout.joints)]


def layout_named(options: Iterable[object]) -> Layout | None:
    """The layout that the last of some options names or is; None where none does."""
    named = [layout_of(one.layout) for one in options if isinstance(one, Streams | Mirror)]
    return named[-1] if named else None


def in_frame(skeleton: Skeleton, layout: Layout, size: tuple[int, int]) -> Array:
    """Where joints are in a frame of H, W: float `[M, T, V, 2]`, nan where one was not found."""
    points: Array = skeleton.joints[..., :2].astype(np.float64)
    missing = (skeleton.joints == 0).all(axis=-1)
    if skeleton.scores is not None:
        missing |= skeleton.scores < _SURE
    points = np.where(missing[..., None], np.nan, points)
    if layout.upwards and _has_depth(skeleton):
        points = points * [1.0, -1.0]
    height, width = size
    if skeleton.image_size is not None:
        points = points * [width / skeleton.image_size[1], height / skeleton.image_size[0]]
        return points
    if not np.isfinite(points).any():
        return points
    low, high = np.nanmin(points, axis=(0, 1, 2)), np.nanmax(points, axis=(0, 1, 2))
    scale = min(size) * (1 - 2 * _MARGIN) / max(float((high - low).max()), 1e-9)
    points = (points - (low + high) / 2) * scale + [width / 2, height / 2]
    return points


def _has_depth(skeleton: Skeleton) -> bool:
    """x, y and z in space, not x, y and a confidence in an image."""
    return skeleton.joints.shape[3] == 3 and skeleton.scores is None and skeleton.image_size is None
