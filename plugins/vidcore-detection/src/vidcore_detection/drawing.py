"""Predictions painted over frames. Letters: P boxes, K classes, T frames, H W pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from vidcore.values import Prediction
from vidcore_visual.moments import runs, shown_at, usual_reach
from vidcore_visual.painting import Box, Canvas, Colour, check_frames, colour_of, room_for

_MOST_LINES = 3  # names of a box
_NOTHING: Colour = (200, 205, 210)  # box of a person of whom nothing is said


def draw_boxes(
    frames: Tensor, predictions: Sequence[Prediction], seconds: Sequence[float], classes: Sequence[str], lowest: float
) -> Tensor:
    """Frames with boxes, and at each the names of its classes from a score on, best first.

    A key frame's boxes are shown until halfway to the next key frame, as far as these usually are apart.

    Args:
        frames: RGB, uint8 `[T, 3, H, W]`.
        predictions: Of key frames: `boxes` as shares of the frame, `[P, 4]`, and `scores` `[P, K]`.
        seconds: When the frames are shown.
        classes: K names.
        lowest: Score from which a name is shown.

    Returns:
        New frames, uint8 `[T, 3, H, W]`.

    Raises:
        DataError: Frames are not RGB uint8.
    """
    check_frames(frames)
    centres = [_moment(one.meta) for one in predictions]
    painted = frames.clone()
    for number, part in runs(shown_at(centres, seconds, usual_reach(centres))):
        if number >= 0:
            found = predictions[number].outputs
            canvas = _boxes(found["boxes"], found["scores"], classes, lowest, (frames.shape[2], frames.shape[3]))
            painted[part] = canvas.over(frames[part])
    return painted


def _boxes(boxes: Tensor, scores: Tensor, classes: Sequence[str], lowest: float, size: tuple[int, int]) -> Canvas:
    canvas, taken = Canvas(size), list[Box]()
    corner = torch.tensor([size[1] - 1, size[0] - 1] * 2)
    order = scores.amax(dim=1).argsort().tolist() if len(scores) else []  # the surest is painted last, over the others
    places: list[Box] = [_four(boxes[i] * corner) for i in order]
    for place, i in zip(places, order, strict=True):
        best = int(scores[i].argmax())
        sure = float(scores[i, best]) >= lowest
        canvas.outline(place, colour_of(best) if sure else _NOTHING, width=canvas.line * 2 if sure else None)
    for place, i in reversed(list(zip(places, order, strict=True))):
        _names(canvas, place, scores[i], classes, lowest, taken)
    return canvas


def _names(canvas: Canvas, box: Box, scores: Tensor, classes: Sequence[str], lowest: float, taken: list[Box]) -> None:
    """Plates above the box, else in it or below, where nothing else is written; fewer of them where room is short."""
    best = scores.topk(min(_MOST_LINES, len(scores)))
    pairs = zip(best.values.tolist(), best.indices.tolist(), strict=True)
    lines = [(f"{classes[i]} {value:.0%}", i) for value, i in pairs if value >= lowest]
    lines = [(canvas.shortened(text, canvas.width - canvas.text_size), i) for text, i in lines]
    while lines:
        size = max(canvas.plate_size(text)[0] for text, _ in lines), float(canvas.row * len(lines))
        place, covered = room_for(_places(box, size), taken, (canvas.height, canvas.width))
        if not covered or len(lines) == 1:
            break
        lines.pop()
    for number, (text, i) in enumerate(lines):
        (x, _, _, _), y = place, place[1] + number * canvas.row
        width, height = canvas.plate_size(text)
        taken.append((x, y, x + width, y + height))
        canvas.plate((x, y), text, colour_of(i))


def _places(box: Box, size: tuple[float, float]) -> list[Box]:
    """Where plates of a width and height may stand: above, in or below the box, at its left or its right edge."""
    (left, top, right, bottom), (width, height) = box, size
    corners = [(x, y) for x in (left, right - width) for y in (top - height, top, bottom - height, bottom)]
    return [(x, y, x + width, y + height) for x, y in corners]


def _moment(meta: Mapping[str, Any]) -> float:
    """Seconds from the first frame of the video; 0 where that is not known."""
    fps = meta.get("fps")
    if not fps:
        return 0.0
    frames = torch.as_tensor(meta.get("frames", [0])).flatten()
    return int(meta.get("key_frame", frames[len(frames) // 2])) / float(fps)


def _four(values: Tensor) -> Box:
    left, top, right, bottom = values.tolist()
    return left, top, right, bottom
