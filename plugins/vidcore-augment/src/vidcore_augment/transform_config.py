"""Options of the transforms. A size is one number for a square, or height and width."""

from __future__ import annotations

from typing import Literal, get_args

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, gt, in_, le, min_len

from vidcore.data.transform_config import (
    SHARE,
    KnownSize,
    Size,
    TransformConfig,
    ascending,
    height_width,
    positive_size,
)

Change = Literal["brightness", "contrast", "saturation", "hue"]


@frozen(kw_only=True)
class RandomResize(TransformConfig):
    """Scale frames to a random length of the shorter side, keeping the shape. In testing: to the lowest one."""

    short_side: tuple[int, int] = field(default=(256, 320), validator=ascending)  # lowest and highest, both included

    def out_size(self, size: KnownSize) -> KnownSize:
        """Depends on the video."""
        return (None, None)


@frozen(kw_only=True)
class MultiScaleCrop(TransformConfig):
    """Cut a box of one of a few sizes at one of a few places, and scale it (Wang et al., arXiv:1608.00859).

    In testing: the middle one of the first size.
    """

    size: Size = field(default=224, validator=positive_size)
    # lengths of the sides, as shares of the frame's shorter side
    scales: tuple[float, ...] = field(
        default=(1.0, 0.875, 0.75, 0.66), validator=[min_len(1), deep_iterable(and_(gt(0.0), le(1.0)))]
    )
    max_gap: int = field(default=1, validator=ge(0))  # height and width differ by at most so many steps of `scales`
    positions: Literal[5, 13] = field(default=5, validator=in_((5, 13)))  # corners and middle, or more between them
    anywhere: bool = False  # any place, not one of `positions`

    def out_size(self, size: KnownSize) -> KnownSize:
        """As configured."""
        return height_width(self.size)


@frozen(kw_only=True)
class TenCrop(TransformConfig):
    """With `views.crops` 10: cut the corners and the middle, each also mirrored. Else: the middle."""

    size: Size = field(default=224, validator=positive_size)

    def out_size(self, size: KnownSize) -> KnownSize:
        """As configured."""
        return height_width(self.size)


@frozen(kw_only=True)
class ColorJitter(TransformConfig):
    """Change colours at random, all frames of a sample alike. In testing: nothing.

    A factor is drawn from `1 - value` to `1 + value`, the turn of the hue from `-hue` to `hue`.
    """

    brightness: float = field(default=0.0, validator=SHARE)
    contrast: float = field(default=0.0, validator=SHARE)
    saturation: float = field(default=0.0, validator=SHARE)
    hue: float = field(default=0.0, validator=and_(ge(0.0), le(0.5)))  # share of the colour circle
    order: tuple[Change, ...] = get_args(Change)  # what is changed first; what is left out stays as it is
    probability: float = field(default=1.0, validator=SHARE)  # of changing a sample at all

    def __attrs_post_init__(self) -> None:
        if len(set(self.order)) < len(self.order):
            raise ValueError(f"'order' has a change twice: {list(self.order)}")
