"""Segments painted below frames, as a timeline. Letters: T frames, H W pixels, P segments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from attrs import frozen
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from vidcore.errors import DataError
from vidcore.values import Prediction

SHOWN = 5  # segments, best first
_COLOURS = ((240, 150, 40), (90, 140, 200), (110, 190, 110), (200, 110, 170), (150, 150, 150))
_PANEL, _CURSOR, _TEXT = (20, 20, 20), (255, 255, 255), (235, 235, 235)
_SMALLEST_ROW = 10  # pixels


@frozen
class _Row:
    start: float  # fractions of the video
    end: float
    text: str


def draw_timeline(frames: Tensor, prediction: Prediction, classes: Sequence[str]) -> Tensor:
    """Frames with a row for each of the best segments along their lower edge, and a line that marks the time.

    The frames are taken to be spread evenly over the video, whose length the prediction's meta tells.

    Args:
        frames: RGB, uint8 `[T, 3, H, W]`.
        prediction: `segments` in seconds and `scores`; `labels` are named where it has some.
        classes: Names.

    Raises:
        DataError: Frames are not RGB uint8, or the prediction has no segments.
    """
    if frames.dtype != torch.uint8 or frames.ndim != 4 or frames.shape[1] != 3:
        raise DataError(f"segments are drawn over uint8 frames [T, 3, H, W]; got {frames.dtype} {[*frames.shape]}")
    if "segments" not in prediction.outputs:
        raise DataError(f"the prediction has {', '.join(prediction.outputs)} but no segments to draw")
    rows = _rows(prediction, classes)
    panel = _panel(rows, frames.shape[2], frames.shape[3])
    painted = frames.cpu().clone()
    height = panel.shape[1]
    painted[:, :, -height:] = panel
    for i in range(len(painted)):
        x = round((i + 0.5) / len(painted) * (frames.shape[3] - 1))
        painted[i, :, -height:, x] = torch.tensor(_CURSOR, dtype=torch.uint8)[:, None]
    return painted.to(frames.device)


def _rows(prediction: Prediction, classes: Sequence[str]) -> list[_Row]:
    seconds = float(prediction.meta.get("seconds", 0.0)) or 1.0
    segments, scores = prediction.outputs["segments"], prediction.outputs["scores"]
    labels = prediction.outputs.get("labels")
    best = torch.as_tensor(scores).topk(min(SHOWN, len(scores))).indices.tolist()
    rows = []
    for i in best:
        name = "" if labels is None else f"{classes[int(labels[i])]} "
        start, end = (float(value) for value in segments[i])
        rows.append(_Row(start / seconds, end / seconds, f"{name}{start:.1f}-{end:.1f} s {float(scores[i]):.2f}"))
    return rows


def _panel(rows: Sequence[_Row], height: int, width: int) -> Tensor:
    """uint8 `[3, h, W]`, at most half as high as the frames."""
    size = max(_SMALLEST_ROW, height // 20)
    rows = rows[: max(1, height // 2 // size)]
    image = Image.new("RGB", (width, max(1, size * len(rows))), _PANEL)
    canvas, font = ImageDraw.Draw(image), ImageFont.load_default(size=size - 3)
    for i, row in enumerate(rows):
        left, right = (min(max(share, 0.0), 1.0) * (width - 1) for share in (row.start, row.end))
        canvas.rectangle((left, i * size + 1, max(left, right), (i + 1) * size - 2), fill=_COLOURS[i % len(_COLOURS)])
        canvas.text((2, i * size), row.text, fill=_TEXT, font=font)
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)
