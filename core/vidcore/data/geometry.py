"""What happens to the shape of frames, worked out before a pixel is touched.

Transforms add steps to a `Geometry`; the decoder is then asked for the one box and size that they compose to, and boxes
and key points of the sample follow the same way. Coordinates are continuous: a frame reaches from 0 to its width, its
first pixel from 0 to 1, and mirroring takes x to width - x.
Letters: h w height and width of the frame after the steps so far.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray
from torch import Tensor

from vidcore.data.video.views import resize
from vidcore.errors import DataError
from vidcore.interfaces import FrameView, Scaling

Axis = Literal["horizontal", "vertical"]
Matrix = NDArray[np.float64]


@frozen
class ResizeStep:
    """Scale to height, width."""

    height: int
    width: int

    def matrix(self, height: float, width: float) -> Matrix:
        return np.array([[self.width / width, 0, 0], [0, self.height / height, 0], [0, 0, 1]])

    def pixels(self, frames: Tensor) -> Tensor:
        """As published figures had it: bilinear, no antialiasing, rounded to whole grey levels. `[T, C, h, w]`."""
        return resize(frames, (self.height, self.width))


@frozen
class CropStep:
    """Cut a box."""

    x: int
    y: int
    width: int
    height: int

    def matrix(self, height: float, width: float) -> Matrix:
        return np.array([[1, 0, -self.x], [0, 1, -self.y], [0, 0, 1]], np.float64)

    def pixels(self, frames: Tensor) -> Tensor:
        return frames[..., self.y : self.y + self.height, self.x : self.x + self.width]


@frozen
class FlipStep:
    """Mirror left and right, or top and bottom."""

    axis: Axis

    def matrix(self, height: float, width: float) -> Matrix:
        if self.axis == "horizontal":
            return np.array([[-1, 0, width], [0, 1, 0], [0, 0, 1]], np.float64)
        return np.array([[1, 0, 0], [0, -1, height], [0, 0, 1]], np.float64)

    def pixels(self, frames: Tensor) -> Tensor:
        return frames.flip(-1 if self.axis == "horizontal" else -2)


Step = ResizeStep | CropStep | FlipStep


@frozen
class Geometry:
    """A frame's size and the steps it goes through. Methods give a new one with a step more."""

    source: tuple[int, int]  # height, width of the video's frames as shown
    steps: tuple[Step, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width after the steps."""
        for step in reversed(self.steps):
            if not isinstance(step, FlipStep):
                return step.height, step.width
        return self.source

    @property
    def mirrored(self) -> bool:
        """Left and right are swapped."""
        return sum(step == FlipStep("horizontal") for step in self.steps) % 2 == 1

    def resized(self, height: int, width: int) -> Geometry:
        """Scale to this size; no step where frames have it."""
        return self if (height, width) == self.size else evolve(self, steps=(*self.steps, ResizeStep(height, width)))

    def cropped(self, x: int, y: int, width: int, height: int) -> Geometry:
        """Cut a box.

        Raises:
            DataError: It does not lie inside the frame.
        """
        h, w = self.size
        if x < 0 or y < 0 or width < 1 or height < 1 or x + width > w or y + height > h:
            raise DataError(
                f"a crop of {width}x{height} does not fit into frames of {w}x{h} (width x height); "
                "put a resize before it, or make the crop smaller"
            )
        return evolve(self, steps=(*self.steps, CropStep(x, y, width, height)))

    def flipped(self, axis: Axis = "horizontal") -> Geometry:
        """Mirror."""
        return evolve(self, steps=(*self.steps, FlipStep(axis)))

    def plan(self, scaling: Scaling) -> FramePlan:
        """What to ask of the decoder, and what is left to do with the frames that it gives.

        "area" and "bilinear" ask for the one box that the steps compose to, rounded to whole pixels, scaled once.
        "reference" replays the steps one by one, as published figures were made: the decoder crops and scales as far as
        the first resize, the rest follows here.
        """
        if scaling == "reference":
            return self._step_by_step()
        x1, y1, x2, y2 = _whole_box(self.window(), self.source)
        flips = tuple(FlipStep(axis) for axis in self._flips())
        height, width = self.source
        whole = (x1, y1, x2, y2) == (0, 0, width, height)
        crop = None if whole else (x1, y1, x2 - x1, y2 - y1)
        view = FrameView(crop, None if self.size == (y2 - y1, x2 - x1) else self.size, scaling)
        planned = Geometry(self.source, (CropStep(x1, y1, x2 - x1, y2 - y1), ResizeStep(*self.size), *flips))
        return FramePlan(view, flips, planned.matrix())

    def window(self) -> tuple[float, float, float, float]:
        """The part of the source frame that is seen: x1, y1, x2, y2, between pixels where steps make it so."""
        h, w = self.size
        corners = np.linalg.inv(self.matrix()) @ np.array([[0, w], [0, h], [1, 1]], np.float64)
        (x1, x2), (y1, y2) = sorted(corners[0].tolist()), sorted(corners[1].tolist())
        return x1, y1, x2, y2

    def matrix(self) -> Matrix:
        """From a point of the source frame to where the steps take it, `[3, 3]` for `[x, y, 1]`."""
        total, size = np.eye(3), self.source
        for step in self.steps:
            total = step.matrix(*size) @ total
            size = size if isinstance(step, FlipStep) else (step.height, step.width)
        return total

    def _flips(self) -> list[Axis]:
        axes: tuple[Axis, Axis] = ("horizontal", "vertical")
        return [axis for axis in axes if sum(step == FlipStep(axis) for step in self.steps) % 2]

    def _step_by_step(self) -> FramePlan:
        """The decoder does a crop and a resize where they come first."""
        crop, size, rest = None, None, self.steps
        if rest and isinstance(cut := rest[0], CropStep):
            crop, rest = (cut.x, cut.y, cut.width, cut.height), rest[1:]
        if rest and isinstance(scaled := rest[0], ResizeStep):
            size, rest = (scaled.height, scaled.width), rest[1:]
        return _cut_first(FrameView(crop, size, "reference"), rest, self.matrix())


@frozen(eq=False)
class FramePlan:
    """How frames of a sample are made: by the decoder, then here."""

    view: FrameView  # what the decoder is asked for
    rest: tuple[Step, ...]  # what is done with it
    matrix: Matrix  # where points of the source frame end up, `[3, 3]`

    def finish(self, frames: Tensor, moves: bool = False) -> Tensor:
        """Do the rest. `[T, C, h, w]`, uint8; with `moves` the channels are those of `VideoInfo.moves`."""
        for step in self.rest:
            frames = step.pixels(frames)
            if moves and isinstance(step, FlipStep):  # a new tensor, so nobody else's pixels change
                along = frames[:, 0 if step.axis == "horizontal" else 1 :: 2]
                along.copy_(255 - along)
        return frames

    def points(self, points: NDArray[Any]) -> NDArray[Any]:
        """Points of the source frame where they end up, inside the new frame or not. `[..., 2]` of x, y."""
        moved = points @ self.matrix[:2, :2].T + self.matrix[:2, 2]
        return moved.astype(points.dtype, copy=False)

    def boxes(self, boxes: NDArray[Any]) -> NDArray[Any]:
        """Boxes of the source frame where they end up, not clipped. `[..., 4]` of x1, y1, x2, y2."""
        first, second = self.points(boxes[..., :2]), self.points(boxes[..., 2:])
        return np.concatenate([np.minimum(first, second), np.maximum(first, second)], axis=-1)


def plan_together(geometries: Sequence[Geometry], scaling: Scaling) -> list[FramePlan]:
    """Plans of the crops of one sample. Those that are cut from frames of one size are windows of the same frames.

    Example: of three crops along the longer side, the decoder is asked for the whole frame, scaled once. Each is then
    exactly where it should be; a box of its own would be rounded to pixels of the source.
    """
    steps = zip(*(geometry.steps for geometry in geometries), strict=False)
    common = tuple(same[0] for same in itertools.takewhile(lambda each: len(set(each)) == 1, steps))
    shared = Geometry(geometries[0].source, common)
    rests = [geometry.steps[len(common) :] for geometry in geometries]
    scaled_apart = any(isinstance(step, ResizeStep) for rest in rests for step in rest)
    # small crops of large frames are better made one by one
    wasteful = math.prod(shared.size) > sum(math.prod(geometry.size) for geometry in geometries)
    if scaling == "reference" or len(rests) == 1 or scaled_apart or wasteful:
        return [geometry.plan(scaling) for geometry in geometries]
    plan = shared.plan(scaling)
    return [
        _cut_first(plan.view, (*plan.rest, *rest), Geometry(shared.size, rest).matrix() @ plan.matrix) for rest in rests
    ]


def _cut_first(view: FrameView, rest: tuple[Step, ...], matrix: Matrix) -> FramePlan:
    """A crop that comes right after scaling is left to the decoder: it keeps that window and no more."""
    if rest and isinstance(cut := rest[0], CropStep):
        view, rest = evolve(view, window=(cut.x, cut.y, cut.width, cut.height)), rest[1:]
    return FramePlan(view, rest, matrix)


def _whole_box(window: tuple[float, float, float, float], source: tuple[int, int]) -> tuple[int, int, int, int]:
    """The nearest box with whole edges that lies inside and has at least one pixel."""
    x1, y1, x2, y2 = (int(edge) for edge in np.around(window, 6).round())
    height, width = source
    x1, y1 = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
    return x1, y1, max(min(x2, width), x1 + 1), max(min(y2, height), y1 + 1)
