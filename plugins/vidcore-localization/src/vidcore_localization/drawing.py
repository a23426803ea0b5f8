"""Segments painted as a timeline: along the lower edge of frames, and as a picture of the whole video.

Letters: T frames, H W pixels, P segments.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from attrs import frozen
from torch import Tensor

from vidcore.errors import DataError
from vidcore.values import Prediction
from vidcore_visual.painting import INK, PANEL, WHITE, Canvas, Colour, check_frames, colour_of

SHOWN = 5  # rows, best first
_SHOWN_WHOLE = 12  # rows of the picture of the whole video
_TRACK, _GRID = (46, 51, 60), (96, 104, 116)
_DIM = 0.55  # opacity of segments that are not going on


@frozen
class _Segment:
    start: float  # seconds
    end: float
    score: float


@frozen
class _Row:
    name: str
    colour: Colour
    segments: tuple[_Segment, ...]  # best first


def draw_timeline(
    frames: Tensor, predictions: Sequence[Prediction], seconds: Sequence[float], classes: Sequence[str]
) -> Tensor:
    """Frames with a row for each of the best segments along their lower edge, and a line that marks the time.

    Segments of one class share a row; proposals without classes have one each.

    Args:
        frames: RGB, uint8 `[T, 3, H, W]`.
        predictions: Of one video: `segments` in seconds and `scores`; `labels` are named where it has some.
        seconds: When the frames are shown.
        classes: Names.

    Raises:
        DataError: Frames are not RGB uint8, or a prediction has no segments.
    """
    check_frames(frames)
    rows, length = _rows(predictions, classes, SHOWN), length_of(predictions, seconds)
    painted = frames.clone()
    for i, second in enumerate(seconds):
        canvas = Canvas((frames.shape[2], frames.shape[3]))
        row = canvas.row + canvas.line * 2
        shown = rows[: max(1, int(canvas.height * 0.4 // row))]
        top = canvas.height - row * len(shown)
        canvas.fill((0, top, canvas.width, canvas.height), PANEL, 0.78)
        for number, one in enumerate(shown):
            _strip(canvas, one, (0, top + number * row, canvas.width - 1, row), length, second)
        x = second / length * (canvas.width - 1)
        canvas.fill((x - canvas.line, top, x + canvas.line, canvas.height), WHITE)
        painted[i : i + 1] = canvas.over(frames[i : i + 1])
    return painted


def draw_whole(
    frames: Tensor, predictions: Sequence[Prediction], seconds: Sequence[float], classes: Sequence[str], width: int
) -> Tensor:
    """One picture of the video: a strip of its frames, where there are some, above the segments and an axis of time.

    Returns:
        RGB uint8 `[3, H, width]`.

    Raises:
        DataError: A prediction has no segments.
    """
    rows, length = _rows(predictions, classes, _SHOWN_WHOLE), length_of(predictions, seconds)
    strip = _film(frames, width)
    plain = Canvas((width * 9 // 16, width))
    row, axis = round(plain.row * 1.5), round(plain.row * 1.4)
    height = strip.shape[1] + plain.row + row * len(rows) + axis
    canvas = Canvas((height, width))
    canvas.font, canvas.text_size = plain.font, plain.text_size
    top = strip.shape[1] + plain.row // 2
    for number, one in enumerate(rows):
        _strip(canvas, one, (0, top + number * row, width - 1, row - canvas.line * 2), length, None)
    _axis(canvas, top + row * len(rows) + canvas.line * 2, length, top)
    picture = torch.tensor(PANEL, dtype=torch.uint8)[:, None, None].repeat(1, height, width)
    picture[:, : strip.shape[1]] = strip
    return canvas.over(picture[None])[0]


def length_of(predictions: Sequence[Prediction], seconds: Sequence[float]) -> float:
    """Seconds of the video: as annotated, else up to the last frame or the end of the last segment."""
    known = [float(one.meta.get("seconds", 0.0)) for one in predictions]
    ends = [float(torch.as_tensor(one.outputs["segments"]).max()) for one in predictions if len(_segments(one))]
    return max(known, default=0.0) or max([*seconds, *ends], default=1.0) or 1.0


def _segments(prediction: Prediction) -> Tensor:
    if "segments" not in prediction.outputs:
        raise DataError(f"the prediction has {', '.join(prediction.outputs)} but no segments to draw")
    return torch.as_tensor(prediction.outputs["segments"]).reshape(-1, 2)


def _rows(predictions: Sequence[Prediction], classes: Sequence[str], most: int) -> list[_Row]:
    """Rows in the order of their best segments."""
    found: list[tuple[_Segment, int | None]] = []
    for one in predictions:
        labels = one.outputs.get("labels")
        numbers = [None] * len(_segments(one)) if labels is None else torch.as_tensor(labels).tolist()
        scores = torch.as_tensor(one.outputs["scores"]).tolist()
        for (start, end), score, label in zip(_segments(one).tolist(), scores, numbers, strict=True):
            found.append((_Segment(start, end, score), label))
    found.sort(key=lambda pair: -pair[0].score)
    rows: dict[int | str, list[_Segment]] = {}
    for place, (segment, label) in enumerate(found):
        rows.setdefault(f"proposal {place + 1}" if label is None else label, []).append(segment)
    return [
        _Row(key if isinstance(key, str) else classes[key], colour_of(place if isinstance(key, str) else key), (*own,))
        for place, (key, own) in enumerate(list(rows.items())[:most])
    ]


def _strip(
    canvas: Canvas, row: _Row, place: tuple[float, float, float, float], length: float, now: float | None
) -> None:
    """A row at left, top, width, height: its segments on a track, and its name.

    A sure segment is solid and a doubtful one pale; where it is `now`, those that are going on stand out.
    """
    left, top, width, height = place
    canvas.fill((left, top + canvas.line, left + width, top + height - canvas.line), _TRACK, 0.8)
    highest = max(segment.score for segment in row.segments) or 1.0
    for segment in reversed(row.segments):
        first, last = (left + min(max(at / length, 0.0), 1.0) * width for at in (segment.start, segment.end))
        box = (first, top + canvas.line, max(first + canvas.line, last), top + height - canvas.line)
        going = now is None or segment.start <= now <= segment.end
        share = min(max(segment.score / highest, 0.0), 1.0)
        red, green, blue = (round(part * (0.35 + 0.65 * share)) for part in row.colour)
        canvas.fill(box, (red, green, blue), 1.0 if going else _DIM)
        canvas.pen.rectangle(box, outline=(*INK, 255))
    best = row.segments[0]
    text = f"{row.name}  {best.start:.1f}-{best.end:.1f} s {best.score:.2f}"
    text = canvas.shortened(text, width - canvas.text_size)
    canvas.text((left + canvas.text_size * 0.4, top + (height - canvas.row) / 2), text, shade=True)


def _film(frames: Tensor, width: int) -> Tensor:
    """Frames side by side over the whole width, `[3, h, width]`; nothing where there are none."""
    if not len(frames):
        return torch.zeros(3, 0, width, dtype=torch.uint8)
    check_frames(frames)
    edges = torch.linspace(0, width, len(frames) + 1).round().long().tolist()
    height = max(1, round(width / len(frames) * frames.shape[2] / frames.shape[3]))
    tiles = [
        torch.nn.functional.interpolate(frame[None].float(), (height, last - first), mode="bilinear", antialias=True)
        for frame, first, last in zip(frames, edges[:-1], edges[1:], strict=True)
    ]
    return torch.cat(tiles, dim=3)[0].round().clamp(0, 255).byte()


def _axis(canvas: Canvas, top: float, length: float, grid_top: float) -> None:
    """Seconds, or minutes and seconds, at round distances."""
    room = canvas.font.getlength("00:00") * 2.2
    step = _round_step(length / max(2.0, canvas.width / room))
    at = 0.0
    while at <= length:
        x = at / length * (canvas.width - 1)
        canvas.pen.line((x, grid_top, x, top), fill=(*_GRID, 90), width=1)
        text = f"{int(at) // 60}:{int(at) % 60:02d}" if length >= 120 else f"{at:g} s"
        wide = canvas.font.getlength(text)
        canvas.text((min(max(x - wide / 2, 0), canvas.width - wide), top), text)
        at += step


def _round_step(least: float) -> float:
    """The smallest of 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, ... seconds that is at least so much."""
    for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800):
        if step >= least:
            return float(step)
    return float(3600 * max(1, round(least / 3600)))
