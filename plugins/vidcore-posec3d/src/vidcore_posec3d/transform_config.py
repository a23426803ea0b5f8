"""Options of the pose transforms for key points that are pixels of a frame. Imports neither torch nor numpy."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import deep_iterable, ge

from vidcore.data import transform_config as frames
from vidcore_skeleton.layouts import Layout, known_layout


@frozen(kw_only=True)
class Compact:
    """The frame is cut to the box of all persons in all sampled frames, which then is what the network sees."""

    padding: float = field(default=0.25, validator=ge(0.0))  # share of its width and height that the box grows by
    smallest: float = field(
        default=10.0, validator=ge(0.0)
    )  # pixels; a box less wide or high than this: nothing is cut
    # height / width, lowest and highest; a box outside is made higher or wider. Left out: as it comes
    aspect: tuple[float, float] | None = field(default=None)
    inside: bool = False  # True: cut off where the frame ends; else the box may reach beyond it

    @aspect.validator
    def _ascending(self, attribute: object, value: tuple[float, float] | None) -> None:
        if value is not None and not 0 < value[0] <= value[1]:
            raise ValueError(f"'aspect' must be [low, high] with 0 < low <= high, got {list(value)}")


@frozen(kw_only=True)
class Project:
    """Skeletons in space, or in any unit, as pixels of a square frame that the whole sequence just fits into."""

    axes: tuple[int, int] = field(default=(0, 1), validator=deep_iterable(ge(0)))  # that become x and y
    up: bool = True  # the second axis points up; in a frame y points down
    size: int = field(default=256, validator=ge(2))  # pixels a side


@frozen(kw_only=True)
class Resize(frames.Resize):
    """Scale the frame: to a length of the shorter or longer side, keeping its shape, or to an exact size."""


@frozen(kw_only=True)
class RandomResizedCrop(frames.RandomResizedCrop):
    """Cut a box of random area, shape and place out of the frame, and scale it. In testing: the middle square."""


@frozen(kw_only=True)
class CenterCrop(frames.CenterCrop):
    """Cut the middle of the frame."""


@frozen(kw_only=True)
class MirroredViews:
    """Each clip once more with left and right swapped, as further views. For testing; stands last."""

    layout: str | Layout = field(default="coco", validator=known_layout)  # says which joints are left and right
