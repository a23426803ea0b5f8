"""Predictions painted over frames. Letters: K classes, T frames, H W pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from vidcore.values import Prediction
from vidcore_visual.moments import runs, shown_at
from vidcore_visual.painting import ORANGE, PALETTE, PANEL, WHITE, Canvas, check_frames

_BEST, _OTHER, _TRACK = ORANGE, PALETTE[1], (70, 76, 86)
_WIDEST = 24  # of the panel, in letters' heights: in a large frame it stays in its corner


def draw_scores(
    frames: Tensor, predictions: Sequence[Prediction], seconds: Sequence[float], classes: Sequence[str], top_k: int
) -> Tensor:
    """Frames with the names and bars of the highest scores in their lower left corner.

    As many classes are shown as fit into half of the height, at least one.

    Args:
        frames: RGB, uint8 `[T, 3, H, W]`.
        predictions: `scores` `[K]`, or `[V, K]` of which the mean is shown. Of several, each is shown where it looked.
        seconds: When the frames are shown.
        classes: K names.
        top_k: Classes to show at most.

    Returns:
        New frames, uint8 `[T, 3, H, W]`.

    Raises:
        DataError: Frames are not RGB uint8.
    """
    check_frames(frames)
    painted = frames.clone()
    for number, part in runs(shown_at([_looked_at(one.meta) for one in predictions], seconds)):
        scores = predictions[number].outputs["scores"]
        panel = _panel(
            scores if scores.ndim == 1 else scores.mean(dim=0), classes, top_k, (frames.shape[2], frames.shape[3])
        )
        painted[part] = panel.over(frames[part])
    return painted


def _panel(scores: Tensor, classes: Sequence[str], top_k: int, size: tuple[int, int]) -> Canvas:
    canvas = Canvas(size)
    margin, bar = round(canvas.text_size * 0.6), canvas.line * 2
    row = canvas.row + bar + canvas.line * 2
    count = min(top_k, len(scores), max(1, int((canvas.height / 2 - 2 * margin) // row)))
    best = scores.topk(count)
    right = min(canvas.width, canvas.text_size * _WIDEST)
    top = canvas.height - row * count - margin
    canvas.fill((0, max(top - margin, canvas.height / 2), right, canvas.height), PANEL, 0.72)
    width = right - 2 * margin
    for place, (value, index) in enumerate(zip(best.values.tolist(), best.indices.tolist(), strict=True)):
        y, score = top + place * row, f"{value:.1%}"
        taken = canvas.font.getlength(score)
        canvas.text((margin, y), canvas.shortened(f"{classes[index]} ", width - taken - margin).strip(), WHITE)
        canvas.text((margin + width - taken, y), score, WHITE)
        first, last = y + canvas.row, y + canvas.row + bar - 1
        canvas.fill((margin, first, margin + width, last), _TRACK)
        length = width * min(max(value, 0.0), 1.0)
        canvas.fill((margin, first, margin + length, last), _OTHER if place else _BEST)
    return canvas


def _looked_at(meta: Mapping[str, Any]) -> float:
    """The middle of the frames that were looked at, in seconds; 0 where that is not known."""
    frames, fps = meta.get("frames"), meta.get("fps")
    if not isinstance(frames, Sequence) or not len(frames) or not fps:
        return 0.0
    numbers = np.asarray(frames)
    return float(numbers.min() + numbers.max()) / 2 / float(fps)
