"""Fitting a view to frames of a size, and making it from frames that are in memory."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from vidcore.errors import DataError
from vidcore.interfaces import FrameView

Box = tuple[int, int, int, int]  # x, y, width, height


def fit_view(view: FrameView, width: int, height: int, name: str) -> tuple[Box, tuple[int, int]]:
    """The box of a view, and the height and width that come out.

    Raises:
        DataError: The crop lies outside the frame, or nothing comes out; the message starts with `name`.
    """
    x, y, w, h = box = view.crop or (0, 0, width, height)
    if min(x, y) < 0 or min(w, h) < 1 or x + w > width or y + h > height:
        raise DataError(
            f"{name}: crop {view.crop} (x, y, width, height) does not fit into its frames of {width}x{height}. "
            "Crop inside the frame, in pixels as shown (after rotation)."
        )
    size = view.size or (h, w)
    if min(size) < 1:
        raise DataError(f"{name}: frames of {size[0]}x{size[1]} (height x width) were asked for. Ask for at least 1x1.")
    return box, size


def resize(frames: Tensor, size: tuple[int, int], antialias: bool = False) -> Tensor:
    """Scale `[N, C, H, W]` to a height and width, bilinearly, pixel centres at half, rounded to whole grey levels.

    Without antialiasing this is what OpenCV's INTER_LINEAR does, within 2 grey levels, and so what published figures
    were made with.
    """
    if frames.shape[-2:] == size:
        return frames
    resized = F.interpolate(frames.float(), size, mode="bilinear", align_corners=False, antialias=antialias)
    return resized.round_().clamp_(0, 255).to(frames.dtype)


def apply_view(frames: Tensor, view: FrameView | None, name: str) -> Tensor:
    """Crop and scale whole frames `[N, C, H, W]`; "area" and "bilinear" are bilinear with antialiasing here.

    Raises:
        DataError: The view does not fit.
    """
    view = view or FrameView()
    (x, y, width, height), size = fit_view(view, frames.shape[3], frames.shape[2], name)
    return resize(frames[..., y : y + height, x : x + width], size, antialias=view.scaling != "reference")
