"""The movement of the camera, found in optical flow and taken out of it.

A camera that pans, tilts, turns or zooms moves the whole picture, by an affine function of the place. What most of the
picture agrees on is that; what is left is what people and things do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vidcore.errors import DataError
from vidcore_opencv.flow import Flow

_STEP = 8  # pixels between the places that are asked
_AGREEING = 0.6  # share of the places that is taken as background
_ROUNDS = 5


def camera_motion(flow: Flow) -> Flow:
    """How the camera alone would move each pixel.

    Trimmed least squares: each round fits the places that agreed best with the round before. So up to two fifths of
    the picture may move in other ways.

    Args:
        flow: Pixels moved to the right and downwards, float `[H, W, 2]`, of at least 24 x 24 pixels.

    Returns:
        The same of the camera, float32 `[H, W, 2]`.

    Raises:
        DataError: Something else than flow, or of fewer pixels.

    Source: the idea of warped flow, Wang and Schmid, Action Recognition with Improved Trajectories, ICCV 2013, who
    match points of interest and fit a homography.
    """
    if flow.ndim != 3 or flow.shape[2] != 2 or min(flow.shape[:2]) < 3 * _STEP:
        raise DataError(f"the camera's motion is found in flow [H, W, 2] of at least {3 * _STEP} pixels a side, "
                        f"got {[*flow.shape]}")  # fmt: skip
    height, width = flow.shape[:2]
    rows, columns = np.mgrid[_STEP // 2 : height : _STEP, _STEP // 2 : width : _STEP]
    places = _affine_terms(rows.ravel(), columns.ravel(), height, width)
    moved = flow[rows, columns].reshape(-1, 2).astype(np.float64)
    agreeing = np.ones(len(moved), bool)
    for _ in range(_ROUNDS):
        terms = np.linalg.lstsq(places[agreeing], moved[agreeing], rcond=None)[0]
        error = np.abs(moved - places @ terms).sum(axis=1)
        agreeing = error <= np.quantile(error, _AGREEING)
    all_rows, all_columns = np.mgrid[0:height, 0:width].reshape(2, -1)
    return (_affine_terms(all_rows, all_columns, height, width) @ terms).reshape(flow.shape).astype(np.float32)


def without_camera(flow: Flow) -> Flow:
    """What is left of flow without the movement of the camera. Takes and returns what `camera_motion` does."""
    return flow - camera_motion(flow)


def _affine_terms(rows: NDArray[np.int_], columns: NDArray[np.int_], height: int, width: int) -> NDArray[np.float64]:
    """1, x and y of each place, from -0.5 to 0.5; `[N, 3]`."""
    return np.stack([np.ones(rows.size), columns / width - 0.5, rows / height - 0.5], axis=1)
