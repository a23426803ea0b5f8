"""What is painted over frames: a transparent canvas, and what every task paints alike. Letters: T frames, H W pixels.

Sizes follow the frame, so that a name can be read at 160 pixels and looks the same at 1080.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from vidcore.errors import DataError

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels

ORANGE, WHITE, INK, PANEL = (245, 158, 46), (255, 255, 255), (18, 20, 24), (12, 14, 18)
# told apart side by side, by colour-blind people too, and light enough for dark letters; orange comes first
PALETTE = (
    ORANGE, (96, 175, 255), (110, 205, 120), (240, 130, 180), (245, 220, 90),
    (150, 140, 250), (90, 210, 205), (250, 130, 100), (180, 205, 90), (200, 170, 140),
)  # fmt: skip
_SMALLEST_TEXT = 10  # pixels; below, letters cannot be read
_TEXT_SHARE = 26  # letters a shorter side, where frames are large
_ELLIPSIS = "…"


def colour_of(number: int) -> Colour:
    """The colour of a class or person, the same wherever it is drawn."""
    return PALETTE[number % len(PALETTE)]


def check_frames(frames: Tensor) -> None:
    """Frames that can be painted over.

    Raises:
        DataError: They are not RGB uint8 `[T, 3, H, W]`.
    """
    if frames.dtype != torch.uint8 or frames.ndim != 4 or frames.shape[1] != 3:
        raise DataError(f"predictions are drawn over uint8 frames [T, 3, H, W]; got {frames.dtype} {[*frames.shape]}")


class Canvas:
    """A transparent picture of the size of the frames; what is drawn on it is laid over them.

    Args:
        size: H, W.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.height, self.width = size
        self.image = Image.new("RGBA", (self.width, self.height))
        self.pen = ImageDraw.Draw(self.image)
        self.text_size = max(_SMALLEST_TEXT, min(size) // _TEXT_SHARE)
        self.font = ImageFont.load_default(size=self.text_size)

    @property
    def line(self) -> int:
        """Width of a line, pixels."""
        return max(1, round(self.text_size / 10))

    @property
    def row(self) -> int:
        """Height of a line of text with its margin, pixels."""
        return round(self.text_size * 1.35)

    def shortened(self, text: str, width: float) -> str:
        """The text; where it is wider, the middle is cut out: what follows the last blank, a score, stays."""
        if self.font.getlength(text) <= width:
            return text
        name, _, score = text.rpartition(" ")
        while name and self.font.getlength(f"{name}{_ELLIPSIS} {score}") > width:
            name = name[:-1]
        return f"{name.rstrip()}{_ELLIPSIS} {score}" if name else score

    def text(self, place: tuple[float, float], text: str, colour: Colour = WHITE, *, shade: bool = False) -> None:
        """A line of text whose row starts at x, y; with `shade` it can be read over anything."""
        x, y = place[0], place[1] + self.row / 2
        edge = self.line if shade else 0
        self.pen.text((x, y), text, fill=(*colour, 255), font=self.font, anchor="lm", stroke_width=edge,
                      stroke_fill=(*INK, 255))  # fmt: skip

    def fill(self, box: Box, colour: Colour, opacity: float = 1.0) -> None:
        """A filled box. It replaces what was there, opacity and all."""
        left, top, right, bottom = box
        if right >= left and bottom >= top:
            self.pen.rectangle((left, top, right, bottom), fill=(*colour, round(255 * opacity)))

    def outline(self, box: Box, colour: Colour, *, width: int | None = None) -> None:
        """The edge of a box, with a thin dark edge outside, so that it is seen over anything."""
        left, top, right, bottom = box
        right, bottom = max(left, right), max(top, bottom)
        width = self.line if width is None else width
        self.pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=(*INK, 160), width=1)
        self.pen.rectangle((left, top, right, bottom), outline=(*colour, 255), width=width)

    def plate_size(self, text: str) -> tuple[float, float]:
        """Width and height that `plate` takes."""
        return self.font.getlength(text) + self.text_size * 0.6, self.row

    def plate(self, place: tuple[float, float], text: str, colour: Colour) -> None:
        """Dark text on a plate of a colour, its upper left corner at x, y."""
        width, height = self.plate_size(text)
        x, y = place
        self.fill((x, y, x + width - 1, y + height - 1), colour, 0.92)
        self.text((x + self.text_size * 0.3, y), text, INK)

    def over(self, frames: Tensor) -> Tensor:
        """New frames with this canvas over each of them, uint8 `[T, 3, H, W]`. Only what is drawn costs time."""
        painted = frames.cpu().clone()
        bounds = self.image.getbbox()
        if bounds is None:
            return painted.to(frames.device)
        left, top, right, bottom = bounds
        pixels = torch.from_numpy(np.asarray(self.image.crop(bounds)).astype(np.int32)).permute(2, 0, 1)
        colours, opacity = pixels[:3], pixels[3:]
        for frame in painted:
            below = frame[:, top:bottom, left:right].int()
            frame[:, top:bottom, left:right] = ((colours * opacity + below * (255 - opacity) + 127) // 255).byte()
        return painted.to(frames.device)


def room_for(wanted: Iterable[Box], taken: Iterable[Box], size: tuple[int, int]) -> tuple[Box, float]:
    """Of the wanted places, each moved into a frame of H, W, the first that covers least; and how many pixels it does.

    Args:
        wanted: The best first.
        taken: What may not be covered.
        size: H, W.
    """
    places = [inside(place, size) for place in wanted]
    others = list(taken)
    covered = [sum(shared_area(place, other) for other in others) for place in places]
    best = min(range(len(places)), key=covered.__getitem__)
    return places[best], covered[best]


def inside(box: Box, size: tuple[int, int]) -> Box:
    """The box moved, not cut, into a frame of H, W; one that is too large starts at its upper left corner."""
    left, top, right, bottom = box
    x = max(0.0, min(left, size[1] - (right - left)))
    y = max(0.0, min(top, size[0] - (bottom - top)))
    return x, y, x + right - left, y + bottom - top


def shared_area(first: Box, second: Box) -> float:
    """Pixels that two boxes share."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, width) * max(0.0, height)
