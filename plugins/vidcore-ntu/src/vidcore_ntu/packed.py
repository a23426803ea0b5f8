"""People of a video as loose rows, each in a frame: how the skeletons of Kinetics-400 are published.

Letters: N rows, M persons, T frames, V joints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
# what a joint belongs to: 0 face, 1 torso (shoulders and hips, and the neck), 2 limbs
_PARTS = {
    17: (*[0] * 5, 1, 1, *[2] * 4, 1, 1, *[2] * 4),
    18: (0, 1, 1, 2, 2, 1, 2, 2, 1, 2, 2, 1, 2, 2, 0, 0, 0, 0),
}


def joint_weights(
    joints: int, weights: Literal["equal", "parts"], of_parts: Sequence[float] = (1.0, 2.0, 3.0)
) -> Array:
    """How much the confidence of a joint counts where somebody has to be left out, `[V]`.

    Args:
        joints: 17 (`coco`) or 18 (`openpose`); of other numbers parts are not known, and all count the same.
        weights: "equal": all count the same. "parts": as `of_parts` tells.
        of_parts: Face, torso, limbs.
    """
    if weights == "equal" or joints not in _PARTS:
        return np.ones(joints)
    return np.array([of_parts[part] for part in _PARTS[joints]], np.float64)


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
