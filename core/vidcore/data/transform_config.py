"""Options of the components of kind `transform`. A size is one number for a square, or height and width."""

from __future__ import annotations

from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, le, max_len, min_len, optional

Size = int | tuple[int, int]
KnownSize = tuple[int | None, int | None]  # height, width; None: depends on the video

SHARE = and_(ge(0.0), le(1.0))  # validator


def positive_size(instance: object, attribute: Any, value: Size | None) -> None:
    """Validator: a size, where one is given, has at least one pixel."""
    if value is not None and min(height_width(value)) < 1:
        raise ValueError(f"{attribute.name!r} must be at least 1, got {value}")


def ascending(instance: object, attribute: Any, value: tuple[float, float]) -> None:
    """Validator: lowest and highest, above 0."""
    if not 0 < value[0] <= value[1]:
        raise ValueError(f"{attribute.name!r} must be [low, high] with 0 < low <= high, got {list(value)}")


def height_width(size: Size) -> tuple[int, int]:
    """A size as height and width."""
    return (size, size) if isinstance(size, int) else size


@frozen(kw_only=True)
class TransformConfig:
    """What every transform has: it tells the size that comes out, so that a model can refuse early."""

    def out_size(self, size: KnownSize) -> KnownSize:
        """Height and width after this transform, from those before it."""
        return size


@frozen(kw_only=True)
class Resize(TransformConfig):
    """Scale frames: to a length of the shorter or longer side, keeping the shape, or to an exact size."""

    short_side: int | None = field(default=None, validator=optional(ge(1)))
    long_side: int | None = field(default=None, validator=optional(ge(1)))  # with short_side: both are upper limits
    size: Size | None = field(default=None, validator=positive_size)  # exact; changes the shape

    def __attrs_post_init__(self) -> None:
        if (self.size is None) == (self.short_side is None and self.long_side is None):
            raise ValueError("resize needs either 'size', or 'short_side', 'long_side' or both of these")

    def out_size(self, size: KnownSize) -> KnownSize:
        """Known for an exact size only."""
        return (None, None) if self.size is None else height_width(self.size)


@frozen(kw_only=True)
class RandomResizedCrop(TransformConfig):
    """Cut a box of random area, shape and place, and scale it. In testing: the middle square of the shorter side."""

    size: Size = field(default=224, validator=positive_size)
    area: tuple[float, float] = field(default=(0.08, 1.0), validator=ascending)  # share of the frame, lowest, highest
    aspect: tuple[float, float] = field(default=(3 / 4, 4 / 3), validator=ascending)  # width / height

    @area.validator
    def _within_the_frame(self, attribute: Any, value: tuple[float, float]) -> None:
        if value[1] > 1:
            raise ValueError(f"'area' is a share of the frame, at most 1.0, got {value[1]}")

    def out_size(self, size: KnownSize) -> KnownSize:
        """As configured."""
        return height_width(self.size)


@frozen(kw_only=True)
class RandomCrop(TransformConfig):
    """Cut a box of this size at a random place. In testing: in the middle."""

    size: Size = field(default=224, validator=positive_size)
    last_position: bool = True  # False: the right- and lowermost is never drawn, as in training of published weights

    def out_size(self, size: KnownSize) -> KnownSize:
        """As configured."""
        return height_width(self.size)


@frozen(kw_only=True)
class CenterCrop(TransformConfig):
    """Cut the middle. With `views.crops` 3: first, last and middle along the longer side."""

    size: Size = field(default=224, validator=positive_size)

    def out_size(self, size: KnownSize) -> KnownSize:
        """As configured."""
        return height_width(self.size)


@frozen(kw_only=True)
class Flip(TransformConfig):
    """Mirror frames at random. In testing: never."""

    probability: float = field(default=0.5, validator=SHARE)
    direction: Literal["horizontal", "vertical"] = "horizontal"
    # [label, label of the mirrored video] for classes such as "to the left"; write both ways
    labels: tuple[tuple[int, int], ...] = field(
        default=(), validator=deep_iterable(deep_iterable(ge(0), and_(min_len(2), max_len(2))))
    )
