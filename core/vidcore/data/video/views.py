"""Fitting a view to frames of a size, and making it from frames that are in memory."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from attrs import evolve
from torch import Tensor
from torch.nn import functional as F

from vidcore.errors import DataError
from vidcore.interfaces import FrameView, VideoInfo

Box = tuple[int, int, int, int]  # x, y, width, height
Requests = Sequence[tuple[Sequence[int], FrameView | None]]


def fit_view(view: FrameView, width: int, height: int, name: str) -> tuple[Box, tuple[int, int], Box]:
    """The box of a view, the height and width that it is scaled to, and what is kept of that.

    Raises:
        DataError: The crop lies outside the frame, the window outside of what is scaled, or nothing comes out; the
            message starts with `name`.
    """
    box = view.crop or (0, 0, width, height)
    if not _lies_in(box, width, height):
        raise DataError(
            f"{name}: crop {view.crop} (x, y, width, height) does not fit into its frames of {width}x{height}. "
            "Crop inside the frame, in pixels as shown (after rotation)."
        )
    size = view.size or (box[3], box[2])
    if min(size) < 1:
        raise DataError(f"{name}: frames of {size[0]}x{size[1]} (height x width) were asked for. Ask for at least 1x1.")
    window = view.window or (0, 0, size[1], size[0])
    if not _lies_in(window, size[1], size[0]):
        raise DataError(f"{name}: window {window} (x, y, width, height) does not fit into {size[1]}x{size[0]}.")
    return box, size, window


def _lies_in(box: Box, width: int, height: int) -> bool:
    return min(box[:2]) >= 0 and min(box[2:]) >= 1 and box[0] + box[2] <= width and box[1] + box[3] <= height


def resize(frames: Tensor, size: tuple[int, int], antialias: bool = False) -> Tensor:
    """Scale `[N, C, H, W]` to a height and width, bilinearly, pixel centres at half, rounded to whole grey levels.

    Without antialiasing this is what OpenCV's INTER_LINEAR does, within 2 grey levels, and so what published figures
    were made with.
    """
    if frames.shape[-2:] == size:
        return frames
    resized = F.interpolate(frames.float(), size, mode="bilinear", align_corners=False, antialias=antialias)
    return resized.round_().clamp_(0, 255).to(frames.dtype)


def checked(requests: Requests, info: VideoInfo, name: str) -> list[tuple[list[int], FrameView, Box]]:
    """Frames of each request, its view without the window, and the window: pictures of one view are made once.

    Raises:
        DataError: A frame does not exist, or a view does not fit.
    """
    found = []
    for indices, view in requests:
        numbers = [operator.index(number) for number in indices]
        for number in numbers:
            if not 0 <= number < info.num_frames:
                raise DataError(
                    f"{name}: frame {number} does not exist: the video has frames 0 to {info.num_frames - 1}. "
                    "If a list gave the length, the list is wrong or the file cut short."
                )
        whole = evolve(view or FrameView(), window=None)
        found.append((numbers, whole, fit_view(view or whole, info.width, info.height, name)[2]))
    return found


def cut(frames: Tensor, box: Box) -> Tensor:
    """The part of `[..., H, W]` inside a box. Nothing is copied."""
    x, y, width, height = box
    return frames[..., y : y + height, x : x + width]
