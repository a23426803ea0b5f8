"""Raw `.skeleton` files of NTU RGB+D: what Kinect saw, frame by frame.

A file is a stream of numbers: the frames; for each its bodies; for each an identity, nine further numbers, the joints,
and twelve numbers a joint, of which x, y, z in metres come first.
Letters: F frames in which a body is seen, V = 25 joints.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from vidcore.errors import DataError

Array = NDArray[Any]
JOINTS = 25
_NUMBERS_BEFORE, _NUMBERS_OF_JOINT = 10, 12  # identity included, joint count not


@frozen(eq=False)
class Body:
    """Somebody, or something that Kinect took for somebody."""

    identity: str
    frames: Array  # int64 [F], ascending
    joints: Array  # float32 [F, V, 3], metres


def read_skeleton_file(path: Path) -> list[Body]:
    """The bodies of a sequence, in the order of their first frames.

    Raises:
        DataError: The file cannot be read, or ends early, or holds something else.
    """
    try:
        words = path.read_text(encoding="ascii").split()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no .skeleton file: it holds bytes that are no text") from error
    return _bodies(path, words)


def _bodies(path: Path, words: list[str]) -> list[Body]:
    seen: dict[str, list[tuple[int, Array]]] = {}
    at, frame = 1, -1
    try:
        num_frames = int(words[0])
        for frame in range(num_frames):
            count, at = int(words[at]), at + 1
            for _ in range(count):
                identity, joints = words[at], int(words[at + _NUMBERS_BEFORE])
                if joints != JOINTS:
                    raise DataError(f"{path}: frame {frame} has a body of {joints} joints; expected {JOINTS}")
                start = at + _NUMBERS_BEFORE + 1
                at = start + JOINTS * _NUMBERS_OF_JOINT
                if at > len(words):
                    raise IndexError
                numbers = np.array(words[start:at], np.float32).reshape(JOINTS, _NUMBERS_OF_JOINT)
                if not np.isfinite(numbers[:, :3]).all():
                    raise DataError(f"{path}: frame {frame} has a joint whose place is no number; unpack it once more")
                seen.setdefault(identity, []).append((frame, numbers[:, :3]))
    except IndexError:
        raise DataError(f"{path} ends in frame {frame}, early; unpack it once more from the archive") from None
    except ValueError as error:
        raise DataError(f"{path}: frame {frame}, near number {at}: {error}; is it a .skeleton file?") from error
    if at != len(words):
        raise DataError(f"{path} tells of {num_frames} frames, but {len(words) - at} more numbers follow")
    return [
        Body(identity, np.array([number for number, _ in rows]), np.stack([joints for _, joints in rows]))
        for identity, rows in seen.items()
    ]
