"""Where crops stand and how large frames become: arithmetic on sizes. Boxes are x, y, width, height."""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen

Box = tuple[int, int, int, int]


@frozen
class Place:
    """Which of several crops of one sample: `index` of `count`."""

    index: int
    count: int


def scaled_size(height: int, width: int, factor: float) -> tuple[int, int]:
    """Height and width times a factor, rounded half up."""
    return int(height * factor + 0.5), int(width * factor + 0.5)


def fitted_size(
    height: int, width: int, short_side: int | None = None, long_side: int | None = None
) -> tuple[int, int]:
    """Height and width in the same shape, of a given shorter or longer side, or at most both."""
    factors = []
    if short_side is not None:
        factors.append(short_side / min(height, width))
    if long_side is not None:
        factors.append(long_side / max(height, width))
    return scaled_size(height, width, min(factors))


def middle_box(height: int, width: int, size: tuple[int, int]) -> Box:
    """The middle of a frame; an odd pixel is left over at the right or below."""
    return (width - size[1]) // 2, (height - size[0]) // 2, size[1], size[0]


def middle_square(height: int, width: int) -> Box:
    """The largest square, in the middle."""
    side = min(height, width)
    return middle_box(height, width, (side, side))


def three_box(height: int, width: int, size: tuple[int, int], index: int) -> Box:
    """First (0), last (1) or middle (2) box along the longer side, in the middle of the other."""
    x, y, w, h = middle_box(height, width, size)
    if width - w >= height - h:
        return (0, 2 * x, x)[index], y, w, h
    return x, (0, 2 * y, y)[index], w, h


def random_box(
    height: int, width: int, area: tuple[float, float], aspect: tuple[float, float], rng: np.random.Generator
) -> Box:
    """A box of random area and shape at a random place; after ten that do not fit, the middle square.

    Draws: ten shapes (logarithms uniform), ten areas (uniform), then x and y of the first box that fits.
    """
    shapes = np.exp(rng.uniform(math.log(aspect[0]), math.log(aspect[1]), 10))
    areas = rng.uniform(area[0], area[1], 10) * height * width
    widths = np.around(np.sqrt(areas * shapes)).astype(int)
    heights = np.around(np.sqrt(areas / shapes)).astype(int)
    for w, h in zip(widths.tolist(), heights.tolist(), strict=True):
        if 1 <= w <= width and 1 <= h <= height:
            x = int(rng.integers(0, width - w + 1))
            return x, int(rng.integers(0, height - h + 1)), w, h
    return middle_square(height, width)
