"""People of a video as loose rows, each in a frame: how the skeletons of Kinetics-400 are published.

Letters: N rows, M persons, T frames, V joints.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
# how much the confidence of a joint counts where somebody has to be left out: face 1, torso 2, limbs 3
_PARTS = {
    17: (*[1] * 5, 2, 2, *[3] * 4, 2, 2, *[3] * 4),
    18: (1, 2, 2, 3, 3, 2, 3, 3, 2, 3, 3, 2, 3, 3, 1, 1, 1, 1),
}


def joint_weights(joints: int, weights: Literal["equal", "parts"]) -> Array:
    """Of 17 (`coco`) or 18 (`openpose`) joints; others are equal."""
    return np.array(_PARTS.get(joints, (1,) * joints) if weights == "parts" else (1,) * joints, np.float64)


def unpacked(
    rows: Array, frames: Array, num_frames: int, *, persons: int, squeeze: bool, weights: Array
) -> tuple[Array, Array]:
    """Key points `[M, T, V, 2]` and confidences `[M, T, V]` of loose rows; zeros where there are fewer people.

    Who is which number is told by the order of arrival in each frame. Where any frame has more than `persons`, people
    are put in the order of their weighted confidence, in all frames.

    Args:
        rows: x, y, confidence, `[N, V, 3]`.
        frames: The frame of each row, `[N]`.
        num_frames: Of the video.
        persons: Kept at most.
        squeeze: Leave out frames without anybody; T is the number of those with somebody.
        weights: Of the joints, `[V]`.
    """
    if squeeze:
        used, frames = np.unique(frames, return_inverse=True)
        num_frames = len(used)
    counts = np.bincount(frames, minlength=num_frames)
    most = int(counts.max(initial=0))
    order = np.argsort(frames, kind="stable")
    if most > persons:
        order = np.lexsort((-(rows[..., 2] @ weights), frames))
    frames = frames[order]
    place = np.arange(len(frames)) - np.concatenate([[0], counts.cumsum()])[frames]  # within the frame
    kept = place < persons
    unfolded = np.zeros((min(most, persons), num_frames, *rows.shape[1:]), np.float32)
    unfolded[place[kept], frames[kept]] = rows[order][kept]
    return unfolded[..., :2], unfolded[..., 2]
