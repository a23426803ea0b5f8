"""Optical flow between two frames, and its 8-bit pictures.

A flow says for each pixel of the first frame how far it has moved in the second: x to the right, y downwards, in
pixels. Letters: H W pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidcore.errors import DataError, PluginError

Frame = NDArray[np.uint8]  # RGB [H, W, 3] or grey [H, W]
Flow = NDArray[np.float32]  # [H, W, 2]: x, y
_SMALLEST = 16  # pixels of a side that DIS has patches for


def farneback(previous: Frame, following: Frame) -> Flow:
    """Flow by polynomial expansion: fast, smooth at edges.

    Args:
        previous: A frame, uint8, RGB `[H, W, 3]` or grey `[H, W]`.
        following: The frame after it, of the same size.

    Returns:
        Pixels moved to the right and downwards, float32 `[H, W, 2]`.

    Raises:
        DataError: Something else than two frames of one size.

    Source: Farnebäck, Two-Frame Motion Estimation Based on Polynomial Expansion, SCIA 2003. Numbers as in OpenCV's
    own example: three levels, windows of 15 pixels, neighbourhoods of 5.
    """
    first, second = _grey_pair(previous, following)
    moved: Any = cv2.calcOpticalFlowFarneback(first, second, None, 0.5, 3, 15, 3, 5, 1.2, 0)  # type: ignore[call-overload]
    return np.asarray(moved, np.float32)


def tvl1(previous: Frame, following: Frame) -> Flow:
    """Flow by total variation and L1 norm, what two-stream networks were trained on: sharp at edges, some 20x slower.

    Takes and returns what `farneback` does. OpenCV's parameters are left as they are.

    Raises:
        DataError: Something else than two frames of one size.
        PluginError: The installed OpenCV has no contributed modules.

    Source: Zach, Pock, Bischof, A Duality Based Approach for Realtime TV-L1 Optical Flow, DAGM 2007.
    """
    first, second = _grey_pair(previous, following)
    moved: Any = _tvl1_maker()().calc(first, second, None)
    return np.asarray(moved, np.float32)


def dis(previous: Frame, following: Frame) -> Flow:
    """Flow by inverse search in patches: as fast as Farnebäck, and nearer to TV-L1 where things move fast.

    Takes and returns what `farneback` does; the parameters are OpenCV's preset "medium".

    Raises:
        DataError: Something else than two frames of one size, or frames too small for its patches.

    Source: Kroeger, Timofte, Dai and Van Gool, Fast Optical Flow using Dense Inverse Search, ECCV 2016.
    """
    first, second = _grey_pair(previous, following)
    if min(first.shape) < _SMALLEST:
        raise DataError(f"DIS flow needs frames of at least {_SMALLEST}x{_SMALLEST} pixels, got {_size(first)}")
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    moved: Any = estimator.calc(first, second, None)  # type: ignore[call-overload]
    return np.asarray(moved, np.float32)


def to_pictures(flow: Flow, bound: float = 20.0) -> tuple[Frame, Frame]:
    """Flow as two grey pictures, x and y, as folders of flow hold it: 0 is -bound, 255 is bound, what is beyond is cut.

    Args:
        flow: Pixels, float `[H, W, 2]`.
        bound: The largest movement that is kept, in pixels.
    """
    levels = np.rint((np.clip(flow, -bound, bound) + bound) * (255 / (2 * bound))).astype(np.uint8)
    return levels[..., 0].copy(), levels[..., 1].copy()


def _grey_pair(previous: Frame, following: Frame) -> tuple[Frame, Frame]:
    first, second = _grey(previous, "the previous frame"), _grey(following, "the following frame")
    if first.shape != second.shape:
        raise DataError(f"flow needs two frames of one size, got {_size(first)} and {_size(second)}")
    return first, second


def _grey(frame: Frame, what: str) -> Frame:
    if frame.dtype != np.uint8 or not frame.size or not (frame.ndim == 2 or (frame.ndim == 3 and frame.shape[2] == 3)):
        raise DataError(f"{what} must be uint8 [H, W, 3] in RGB or [H, W] in grey, got {frame.dtype} {[*frame.shape]}")
    return np.ascontiguousarray(frame) if frame.ndim == 2 else np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))


def _size(frame: Frame) -> str:
    return f"{frame.shape[1]}x{frame.shape[0]}"


def _tvl1_maker() -> Callable[[], Any]:
    contributed: Any = getattr(cv2, "optflow", None)
    if contributed is None:
        raise PluginError(
            f"OpenCV {cv2.__version__} has no TV-L1: another distribution replaced the one with contributed modules. "
            "Mend it: pip uninstall -y opencv-python opencv-python-headless opencv-contrib-python && "
            "pip install --force-reinstall --no-deps opencv-contrib-python-headless. Or use Farnebäck."
        )
    maker: Callable[[], Any] = contributed.createOptFlow_DualTVL1
    return maker
