"""How a coded frame is turned for showing: the eight ways that a display matrix can ask for."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
from attrs import frozen

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Box = tuple[int, int, int, int]  # x, y, width, height


@frozen
class Orientation:
    """Coded pixel (x, y) is shown at (a x + c y, b x + d y), moved so that the picture starts at (0, 0)."""

    a: int = 1
    b: int = 0
    c: int = 0
    d: int = 1

    @classmethod
    def from_display_matrix(cls, matrix: bytes) -> Orientation | None:
        """Read FFmpeg's 3x3 display matrix; None where it asks for anything but quarter turns and mirrors."""
        a, b, _, c, d = (value / 65536 for value in struct.unpack("=5i", matrix[:20]))
        signs = [0 if abs(value) < 0.01 else int(math.copysign(1, value)) for value in (a, b, c, d)]
        upright = signs[0] and signs[3] and not signs[1] and not signs[2]
        turned = signs[1] and signs[2] and not signs[0] and not signs[3]
        return cls(*signs) if upright or turned else None

    @property
    def swaps_axes(self) -> bool:
        """Whether width becomes height."""
        return self.a == 0

    @property
    def rotation(self) -> int:
        """Degrees clockwise that the first row of pixels is turned by: 0, 90, 180 or 270."""
        return round(math.degrees(math.atan2(self.b, self.a))) % 360

    def shown_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height as shown of a coded width and height. It is its own inverse."""
        return (height, width) if self.swaps_axes else (width, height)

    def coded_box(self, box: Box, shown_width: int, shown_height: int) -> Box:
        """Where a box of the shown picture lies in the coded one."""
        x, y, width, height = box
        flip_x, flip_y = self._flips
        if flip_x:
            x = shown_width - x - width
        if flip_y:
            y = shown_height - y - height
        return (y, x, height, width) if self.swaps_axes else (x, y, width, height)

    def show(self, pixels: Pixels) -> Pixels:
        """Turn `[H, W, C]` pixels for showing. A view, nothing is copied."""
        flip_x, flip_y = self._flips
        turned = pixels.transpose(1, 0, 2) if self.swaps_axes else pixels
        return turned[:: -1 if flip_y else 1, :: -1 if flip_x else 1]

    @property
    def _flips(self) -> tuple[bool, bool]:
        return (self.c < 0, self.b < 0) if self.swaps_axes else (self.a < 0, self.d < 0)
