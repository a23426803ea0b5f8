"""Predictions painted over frames. Letters: K classes, T frames, H W pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from attrs import frozen
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from vidcore.errors import DataError

_BAR, _BEST_BAR, _TEXT, _PANEL = (90, 140, 200, 230), (240, 150, 40, 230), (255, 255, 255, 255), (0, 0, 0, 140)
_SMALLEST_FONT = 8  # pixels; below, letters cannot be read


@frozen
class _Line:
    text: str
    share: float  # length of the bar, 0 ... 1


def draw_scores(frames: Tensor, scores: Tensor, classes: Sequence[str], top_k: int) -> Tensor:
    """Frames with the names and bars of the highest scores along their lower edge.

    As many classes are shown as fit into half of the height, at least one.

    Args:
        frames: RGB, uint8 `[T, 3, H, W]`.
        scores: `[K]`, or `[V, K]` of which the mean is shown.
        classes: K names.
        top_k: Classes to show at most.

    Returns:
        New frames, uint8 `[T, 3, H, W]`.

    Raises:
        DataError: Frames are not RGB uint8.
    """
    if frames.dtype != torch.uint8 or frames.ndim != 4 or frames.shape[1] != 3:
        raise DataError(f"predictions are drawn over uint8 frames [T, 3, H, W]; got {frames.dtype} {[*frames.shape]}")
    scores = scores if scores.ndim == 1 else scores.mean(dim=0)
    best = scores.topk(min(top_k, len(scores)))
    lines = [
        _Line(f"{classes[i]} {value:.1%}", min(max(value, 0.0), 1.0))
        for value, i in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    ]
    overlay = torch.from_numpy(_overlay(frames.shape[-2], frames.shape[-1], lines)).permute(2, 0, 1)
    colour, opacity = overlay[:3].float(), overlay[3:].float() / 255
    painted = frames.cpu() * (1 - opacity) + colour * opacity
    return painted.round().to(torch.uint8).to(frames.device)


def _overlay(height: int, width: int, lines: Sequence[_Line]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """RGBA `[H, W, 4]`."""
    size = max(_SMALLEST_FONT, height // 22)
    row, margin = size + size // 2, size // 3
    lines = lines[: max(1, height // 2 // row)]
    image = Image.new("RGBA", (width, height))
    canvas, font = ImageDraw.Draw(image), ImageFont.load_default(size=size)
    top = height - row * len(lines) - margin
    canvas.rectangle((0, top - margin, width, height), fill=_PANEL)
    for i, line in enumerate(lines):
        y = top + i * row
        length = margin + round((width - 2 * margin) * line.share)
        canvas.rectangle((margin, y + size + 1, length, y + row - 2), fill=_BAR if i else _BEST_BAR)
        canvas.text((margin, y), _shortened(line.text, font, width - 2 * margin), fill=_TEXT, font=font)
    return np.asarray(image).copy()


def _shortened(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """The text, its middle cut out where it is wider than `width`: the score at its end stays."""
    if font.getlength(text) <= width:
        return text
    name, _, score = text.rpartition(" ")
    while name and font.getlength(f"{name}… {score}") > width:
        name = name[:-1]
    return f"{name}… {score}" if name else score
