"""How a coded frame is turned for showing: the eight ways that a display matrix can ask for."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from attrs import frozen

from vidcore.data.video.views import Box

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


@frozen
class Orientation:
    """A coded picture is shown with its rows and columns swapped, or not, and then mirrored, or not."""

    swaps_axes: bool = False
    flips_x: bool = False  # left and right, of the picture as shown
    flips_y: bool = False

    @classmethod
    def from_display_matrix(cls, matrix: bytes) -> Orientation | None:
        """Read FFmpeg's 3x3 display matrix; None where it asks for anything but quarter turns and mirrors."""
        # pixel (x, y) is shown at (a x + c y, b x + d y)
        a, b, _, c, d = (0 if abs(value) < 655 else value for value in struct.unpack("=5i", matrix[:20]))
        if a and d and not b and not c:
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0) if b and c and not a and not d else None

    @property
    def rotation(self) -> int:
        """Degrees clockwise that the first row of pixels is turned by: 0, 90, 180 or 270."""
        if self.swaps_axes:
            return 270 if self.flips_y else 90
        return 180 if self.flips_x else 0

    def shown_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height as shown of a coded width and height. It is its own inverse."""
        return (height, width) if self.swaps_axes else (width, height)

    def coded_box(self, box: Box, shown_width: int, shown_height: int) -> Box:
        """Where a box of the shown picture lies in the coded one."""
        x, y, width, height = box
        x = shown_width - x - width if self.flips_x else x
        y = shown_height - y - height if self.flips_y else y
        return (y, x, height, width) if self.swaps_axes else (x, y, width, height)

    def show(self, pixels: Pixels) -> Pixels:
        """Turn `[H, W, C]` pixels for showing. A view, nothing is copied."""
        turned = pixels.transpose(1, 0, 2) if self.swaps_axes else pixels
        return turned[:: -1 if self.flips_y else 1, :: -1 if self.flips_x else 1]
