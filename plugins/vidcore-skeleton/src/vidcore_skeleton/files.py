"""A sequence in a file of its own: `.npy`, or `.npz` where confidences and the size of the picture are known.

Letters: M persons, T frames, V joints, C channels.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vidcore.errors import DataError
from vidcore.whole_files import written_whole
from vidcore_skeleton.skeletons import Array, Skeleton


def read_skeleton(path: Path) -> Skeleton:
    """The sequence in a file.

    - `.npy`: `[T, V, C]` or `[M, T, V, C]`; one without persons' dimension is one person.
    - `.npz`: the entries of an annotation, `keypoint [M, T, V, C]`, and where they are known `keypoint_score [M, T, V]`
      and `img_shape` (height, width). Other entries are left alone.

    Raises:
        DataError: It cannot be read, or holds something else.
    """
    try:
        with Path(path).open("rb") as file:  # np.load leaves a broken archive open
            entries = _entries(np.load(file, allow_pickle=False))
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read: {error}; expected a .npy or .npz file of numbers") from error
    return _skeleton(path, entries)


def write_skeleton(path: Path, skeleton: Skeleton, more: Mapping[str, Array] | None = None) -> None:
    """Write `.npz`, whole or not at all; `more` are further entries, for other readers."""
    entries = {"keypoint": skeleton.joints.astype(np.float32), **(more or {})}
    if skeleton.scores is not None:
        entries["keypoint_score"] = skeleton.scores.astype(np.float32)
    if skeleton.image_size is not None:
        entries["img_shape"] = np.array(skeleton.image_size)
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **entries)


def _entries(content: Array | np.lib.npyio.NpzFile) -> dict[str, Array]:
    if isinstance(content, np.ndarray):
        return {"keypoint": content}
    return {name: content[name] for name in ("keypoint", "keypoint_score", "img_shape") if name in content}


def _skeleton(path: Path, entries: Mapping[str, Array]) -> Skeleton:
    joints, scores, size = entries.get("keypoint"), entries.get("keypoint_score"), entries.get("img_shape")
    if joints is None:
        raise DataError(f"{path} has no entry 'keypoint'; expected numbers [persons, frames, joints, channels]")
    if joints.ndim not in (3, 4) or joints.dtype.kind not in "fiu":
        raise DataError(f"{path} holds no numbers [frames, joints, channels], with or without persons first")
    joints = joints if joints.ndim == 4 else joints[None]
    if scores is not None and (scores.shape != joints.shape[:3] or scores.dtype.kind not in "fiu"):
        raise DataError(
            f"{path}: keypoint_score is {scores.dtype} {list(scores.shape)}; expected numbers {list(joints.shape[:3])}"
        )
    if size is not None and (size.shape != (2,) or size.dtype.kind not in "fiu" or not (size > 0).all()):
        raise DataError(f"{path}: img_shape is {size.tolist()}; expected height and width")
    return Skeleton(
        joints=joints.astype(np.float32),
        scores=None if scores is None else scores.astype(np.float32),
        image_size=None if size is None else (int(size[0]), int(size[1])),
    )
