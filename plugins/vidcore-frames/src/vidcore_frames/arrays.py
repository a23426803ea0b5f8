"""Frames saved as numbers: .npy and .npz files, and arrays in memory."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray

from vidcore.data.video.whole_frames import WholeFrames
from vidcore.errors import DataError
from vidcore.interfaces import VideoInfo

SUFFIXES = {".npy", ".npz"}


def open_array(path: Path, key: str, fps: float) -> WholeFrames:
    """The frames of a .npy or .npz file. Of a local .npy file only the frames that are asked for are read.

    Args:
        path: The file.
        key: Which array of an .npz file; "" for the only one.
        fps: Frames a second; 0 where that is not known.

    Raises:
        DataError: It holds no frames, or something that only code could make of it.
    """
    try:
        if path.suffix.lower() == ".npz":
            with path.open("rb") as file:
                return frames_of(_chosen(file, key, path), str(path), fps)
        if _is_local(path):
            return frames_of(np.load(path, mmap_mode="r", allow_pickle=False), str(path), fps)
        with path.open("rb") as file:
            return frames_of(np.load(file, allow_pickle=False), str(path), fps)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: holds no array of frames that can be read: {str(error).splitlines()[0]}. "
            "Save frames with numpy.save as uint8 [T, H, W, 3]."
        ) from error


def frames_of(frames: NDArray[Any], name: str, fps: float) -> WholeFrames:
    """A reader over RGB uint8 `[T, H, W, 3]` or `[T, 3, H, W]`.

    Raises:
        DataError: The array has another type or shape.
    """
    last, second = (frames.ndim == 4 and frames.shape[axis] == 3 for axis in (3, 1))
    if frames.dtype != np.uint8 or not (last or second) or not frames.size:
        raise DataError(
            f"{name}: frames must be RGB uint8 [T, H, W, 3] or [T, 3, H, W], at least one; "
            f"got {frames.dtype} {[*frames.shape]}"
        )
    if last:
        frames = frames.transpose(0, 3, 1, 2)
    length, _, height, width = frames.shape
    info = VideoInfo(
        num_frames=length, fps=fps, width=width, height=height, timestamps=frame_times(length, fps), codec="array"
    )
    return WholeFrames(name, info, lambda numbers: torch.from_numpy(frames[numbers]))


def _is_local(path: object) -> bool:
    """Whether it is a path of this machine, which can be mapped into memory; addresses have paths of their own."""
    return isinstance(path, Path)


def frame_times(length: int, fps: float) -> NDArray[np.float64]:
    """Seconds of each frame; all 0 where the rate is not known."""
    return np.arange(length) / fps if fps else np.zeros(length)


def _chosen(file: IO[bytes], key: str, path: Path) -> NDArray[Any]:
    with np.load(file, allow_pickle=False) as arrays:
        names = list(arrays)
        if not key and len(names) == 1:
            key = names[0]
        if key not in names:
            asked = f"no array {key!r}" if key else f"{len(names)} arrays"
            raise DataError(
                f"{path}: has {asked}: {', '.join(names)}. Set data.decoder.array to the name of the frames."
            )
        chosen: NDArray[Any] = arrays[key]
        return chosen
