"""A whole video as one picture: painted frames in rows, with their moments. Letters: T frames, H W pixels."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import torch
from torch import Tensor

from vidcore_visual.painting import PANEL, Canvas

_GAP = 6  # pixels between tiles
_SHAPE = 16 / 9  # width by height that the sheet comes near to


def contact_sheet(frames: Tensor, seconds: Sequence[float]) -> Tensor:
    """Frames in rows, read like text, each with its moment in its upper left corner.

    Args:
        frames: uint8 `[T, 3, H, W]`.
        seconds: Their moments.

    Returns:
        uint8 `[3, h, w]`.
    """
    count, _, height, width = frames.shape
    columns = columns_of(count, height, width)
    rows = ceil(count / columns)
    picture = torch.tensor(PANEL, dtype=torch.uint8)[:, None, None].repeat(
        1, rows * (height + _GAP) + _GAP, columns * (width + _GAP) + _GAP
    )
    for number, (frame, second) in enumerate(zip(frames, seconds, strict=True)):
        canvas = Canvas((height, width))
        text = f"{second:.1f} s" if second < 600 else f"{int(second) // 60}:{int(second) % 60:02d}"
        canvas.plate((0, 0), text, (225, 228, 232))
        row, column = divmod(number, columns)
        top, left = _GAP + row * (height + _GAP), _GAP + column * (width + _GAP)
        picture[:, top : top + height, left : left + width] = canvas.over(frame[None])[0]
    return picture


def columns_of(count: int, height: int, width: int) -> int:
    """How many tiles of a size stand side by side: the sheet comes near to its shape, and few places are empty."""

    def badness(columns: int) -> float:
        rows = ceil(count / columns)
        shape = columns * width / (rows * height)
        return max(shape / _SHAPE, _SHAPE / shape) + 2 * (rows * columns - count) / count

    return min(range(count, 0, -1), key=badness)
