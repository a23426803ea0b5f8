"""Transforms beyond the basic ones.

Route: where boxes may stand; the transforms, geometric ones first; the hue.
Letters: N samples, C channels, T frames, H W pixels, D numbers drawn for a sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from vidcore.data.crops import Box, Place, fitted_size, middle_box
from vidcore.data.geometry import Geometry
from vidcore.data.transform_config import height_width
from vidcore_augment import transform_config as options

_SNAP = 3  # sizes nearer to the network's than this become equal to it, so that nothing is scaled by a hair


def fixed_places(height: int, width: int, box: tuple[int, int], count: int = 5) -> list[tuple[int, int]]:
    """x, y of the corners and the middle (5), and of more between them (13), in quarters of the room, rounded down."""
    dx, dy = (width - box[1]) // 4, (height - box[0]) // 4
    places = [(0, 0), (4, 0), (0, 4), (4, 4), (2, 2)]
    if count == 13:
        places += [(0, 2), (4, 2), (2, 4), (2, 0), (1, 1), (3, 1), (1, 3), (3, 3)]
    return [(i * dx, j * dy) for i, j in places]


def scale_pairs(
    height: int, width: int, size: tuple[int, int], scales: Sequence[float], max_gap: int
) -> list[tuple[int, int]]:
    """Height and width of the boxes that multi-scale cropping chooses from."""
    base = min(height, width)
    sides = [int(base * scale) for scale in scales]
    heights = [size[0] if abs(side - size[0]) < _SNAP and size[0] <= height else side for side in sides]
    widths = [size[1] if abs(side - size[1]) < _SNAP and size[1] <= width else side for side in sides]
    return [(h, w) for i, h in enumerate(heights) for j, w in enumerate(widths) if abs(i - j) <= max_gap]


class RandomResize:
    """Scale to a random shorter side. Draws it, a whole number."""

    def __init__(self, config: options.RandomResize) -> None:
        self.config = config

    def plan(self, geometry: Geometry, rng: np.random.Generator | None, place: Place) -> Geometry:
        """See `GeometricTransform.plan`."""
        low, high = self.config.short_side
        side = low if rng is None else int(rng.integers(low, high + 1))
        return geometry.resized(*fitted_size(*geometry.size, side))


class MultiScaleCrop:
    """Cut one of a few boxes and scale it. Draws the size, then the place (x and y where that is `anywhere`)."""

    def __init__(self, config: options.MultiScaleCrop) -> None:
        self.config = config

    def plan(self, geometry: Geometry, rng: np.random.Generator | None, place: Place) -> Geometry:
        """See `GeometricTransform.plan`."""
        size = height_width(self.config.size)
        box = self._middle(geometry.size, size) if rng is None else self._drawn(geometry.size, size, rng)
        return geometry.cropped(*box).resized(*size)

    def boxes(self, height: int, width: int) -> list[Box]:
        """All boxes that can be drawn from a frame of this size where places are fixed."""
        config = self.config
        pairs = scale_pairs(height, width, height_width(config.size), config.scales, config.max_gap)
        return [
            (x, y, pair[1], pair[0]) for pair in pairs for x, y in fixed_places(height, width, pair, config.positions)
        ]

    def _middle(self, frame: tuple[int, int], size: tuple[int, int]) -> Box:
        pair = scale_pairs(*frame, size, self.config.scales[:1], 0)[0]
        return middle_box(*frame, pair)

    def _drawn(self, frame: tuple[int, int], size: tuple[int, int], rng: np.random.Generator) -> Box:
        config = self.config
        pairs = scale_pairs(*frame, size, config.scales, config.max_gap)
        height, width = pairs[int(rng.integers(len(pairs)))]
        if config.anywhere:
            x = int(rng.integers(0, max(frame[1] - width, 0) + 1))
            return x, int(rng.integers(0, max(frame[0] - height, 0) + 1)), width, height
        places = fixed_places(*frame, (height, width), config.positions)
        return *places[int(rng.integers(len(places)))], width, height


class TenCrop:
    """Cut the corners and the middle, plain and mirrored, where ten crops are asked for. Draws nothing."""

    crop_counts: tuple[int, ...] = (1, 10)

    def __init__(self, config: options.TenCrop) -> None:
        self.config = config

    def plan(self, geometry: Geometry, rng: np.random.Generator | None, place: Place) -> Geometry:
        """See `GeometricTransform.plan`. Even crops are plain, odd ones mirrored."""
        frame, size = geometry.size, height_width(self.config.size)
        if place.count == 1:
            return geometry.cropped(*middle_box(*frame, size))
        x, y = fixed_places(*frame, size)[place.index // 2]
        cut = geometry.cropped(x, y, size[1], size[0])
        return cut.flipped() if place.index % 2 else cut


class ColorJitter:
    """Brightness, contrast, saturation and hue. Draws whether, then one number for each of the four in this order."""

    _GREY = (0.2989, 0.587, 0.114)

    def __init__(self, config: options.ColorJitter) -> None:
        self.config = config

    def draw(self, rng: np.random.Generator) -> Tensor:
        """Three factors and the turn of the hue as a share of the circle; 1, 1, 1, 0 changes nothing."""
        config = self.config
        on = rng.random() < config.probability
        shifts = rng.uniform(-1, 1, 4) * (config.brightness, config.contrast, config.saturation, config.hue)
        return torch.tensor(shifts * on + (1, 1, 1, 0), dtype=torch.float32)

    def apply(self, video: Tensor, draws: Tensor) -> Tensor:
        """See `PhotometricTransform.apply`. Values are kept between the changes and rounded once."""
        pixels = video.float()
        drawn = dict(zip(get_args(options.Change), draws[:, :, None, None, None, None].unbind(1), strict=True))
        for change in self.config.order:
            pixels = self._changed(pixels, change, drawn[change])
        return pixels.round_().clamp_(0, 255).to(torch.uint8)

    def _changed(self, pixels: Tensor, change: options.Change, by: Tensor) -> Tensor:
        if change == "brightness":
            return pixels * by
        if change == "contrast":
            mean = self._grey(pixels).mean(dim=(-2, -1), keepdim=True)  # of each frame
            return pixels * by + mean * (1 - by)
        if change == "saturation":
            return pixels * by + self._grey(pixels) * (1 - by)
        return turn_hue(pixels.clamp(0, 255), by) if bool(by.any()) else pixels

    def _grey(self, pixels: Tensor) -> Tensor:
        weights = torch.tensor(self._GREY, device=pixels.device).view(3, 1, 1, 1)
        return (pixels * weights).sum(dim=1, keepdim=True)


def turn_hue(pixels: Tensor, turn: Tensor) -> Tensor:
    """Turn the hue by a share of the colour circle, keeping value and saturation. `[N, 3, ...]` of at least 0."""
    value, chroma = pixels.amax(dim=1), pixels.amax(dim=1) - pixels.amin(dim=1)
    red, green, blue = pixels.unbind(1)
    safe = torch.where(chroma == 0, 1, chroma)
    sixth = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    sixth = sixth + 6 * turn.squeeze(1)
    channels = []
    for offset in (5, 3, 1):  # red, green, blue
        k = torch.remainder(sixth + offset, 6)
        channels.append(value - chroma * torch.minimum(k, 4 - k).clamp(0, 1))
    return torch.stack(channels, dim=1)
