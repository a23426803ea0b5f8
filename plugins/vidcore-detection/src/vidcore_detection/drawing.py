"""Predictions painted over frames. Letters: P boxes, K classes, T frames, H W pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from vidcore.errors import DataError

_COLOURS = ((240, 150, 40), (90, 140, 200), (90, 190, 110), (200, 90, 160), (220, 210, 70))
_SMALLEST_FONT = 8  # pixels; below, letters cannot be read
_MOST_LINES = 4  # names in a box


def draw_boxes(frames: Tensor, boxes: Tensor, scores: Tensor, classes: Sequence[str], lowest: float) -> Tensor:
    """Frames with boxes, and in each the names of its classes from a score on, best first.

    Args:
        frames: RGB, uint8 `[T, 3, H, W]`.
        boxes: Shares of the frame, `[P, 4]`.
        scores: `[P, K]`.
        classes: K names.
        lowest: Score from which a name is shown.

    Returns:
        New frames, uint8 `[T, 3, H, W]`.

    Raises:
        DataError: Frames are not RGB uint8.
    """
    if frames.dtype != torch.uint8 or frames.ndim != 4 or frames.shape[1] != 3:
        raise DataError(f"predictions are drawn over uint8 frames [T, 3, H, W]; got {frames.dtype} {[*frames.shape]}")
    height, width = frames.shape[-2:]
    image = Image.new("RGBA", (width, height))
    canvas = ImageDraw.Draw(image)
    size = max(_SMALLEST_FONT, height // 24)
    font = ImageFont.load_default(size=size)
    for number, (box, row) in enumerate(zip(boxes.tolist(), scores, strict=True)):
        colour = (*_COLOURS[number % len(_COLOURS)], 255)
        x1, y1, x2, y2 = box[0] * (width - 1), box[1] * (height - 1), box[2] * (width - 1), box[3] * (height - 1)
        canvas.rectangle((x1, y1, max(x1, x2), max(y1, y2)), outline=colour, width=max(1, height // 160))
        for line, text in enumerate(_lines(row, classes, lowest)):
            top = y1 + line * (size + 2)
            canvas.rectangle((x1, top, x1 + font.getlength(text) + 4, top + size + 2), fill=(0, 0, 0, 150))
            canvas.text((x1 + 2, top), text, fill=colour, font=font)
    overlay = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)
    colours, opacity = overlay[:3].float(), overlay[3:].float() / 255
    return (frames.cpu() * (1 - opacity) + colours * opacity).round().to(torch.uint8).to(frames.device)


def _lines(scores: Tensor, classes: Sequence[str], lowest: float) -> list[str]:
    best = scores.topk(min(_MOST_LINES, len(scores)))
    pairs = zip(best.values.tolist(), best.indices.tolist(), strict=True)
    return [f"{classes[i]} {value:.0%}" for value, i in pairs if value >= lowest]
