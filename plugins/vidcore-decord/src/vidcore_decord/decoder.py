"""Decord behind vidcore's decoder interface, held to the same exactness.

Decord seeks by time stamp and trusts what containers say of them. It gives wrong frames without a word where packets'
times are decode counters (AVI), after a seek in MPEG-4 and HEVC, where key frames are marked that are none, and where
frames are missing at the start or the end. So each file's packets are looked at first, by the index that the built-in
decoder uses; what decord is not known to be exact on is refused, and so is a file that it counts or times otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.frame_index import FrameIndex
from vidcore.data.video.orientation import Orientation
from vidcore.data.video.pyav import PyAV
from vidcore.data.video.whole_frames import WholeFrames
from vidcore.errors import DataError, PluginError
from vidcore.interfaces import VideoReader
from vidcore_decord.config import Decord

# Where decord passes the conformance suite of vidcore.testing.decoders.
_CODECS = {"h264", "vp9"}
_CONTAINERS = {"mp4", "webm"}
_PIXEL_FORMATS = {"yuv420p", "yuvj420p"}  # from others decord makes other colours, by up to 26 grey levels


class DecordDecoder:
    """Opens videos with decord and refuses those on which it is not exact."""

    def __init__(self, config: Decord | None = None) -> None:
        self.config = config or Decord()
        self._indices = PyAV(PyAVConfig())

    def open(self, path: str | Path | bytes) -> VideoReader:
        """Look at the file's packets, then open it with decord. To be opened in the process that reads it.

        Raises:
            DataError: No usable video, or one on which decord is not exact. Use `decoder = "pyav"` for those.
            PluginError: Decord is not installed.
        """
        if isinstance(path, bytes):
            raise DataError('<bytes>: decord is given files only here. Use decoder = "pyav" for what is in memory.')
        decord = _import_decord()
        name = str(path)
        with self._indices.open(path) as ours:
            index = ours.index
        _refuse(name, _why_not_exact(index))
        try:
            reader = decord.VideoReader(name, num_threads=self.config.threads)
            seconds = reader.get_frame_timestamp(range(len(reader)))[:, 0]
            keys = reader.get_key_indices()
        except decord.DECORDError as error:
            raise DataError(
                f'{name}: cannot be opened by decord: {_first_line(error)}. Try decoder = "pyav".'
            ) from error
        _refuse(name, _why_not_alike(index, seconds, keys))
        return WholeFrames(name, index.info(), lambda numbers: _decode(name, reader, numbers))


def _decode(name: str, reader: Any, numbers: list[int]) -> Tensor:
    """Frames by number, ascending, as `[N, C, H, W]`."""
    try:
        pixels = reader.get_batch(numbers).asnumpy()
    except _import_decord().DECORDError as error:
        raise DataError(
            f"{name}: frame {numbers[0]} or one that follows cannot be decoded: {_first_line(error)}. "
            "The file may be damaged: fetch it again, or remove it from the list."
        ) from error
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


def _why_not_exact(index: FrameIndex) -> str:
    """What about a file decord is not exact on; empty when nothing."""
    if index.codec not in _CODECS:
        return f"is {index.codec}"
    if not _CONTAINERS & set(index.container.split(",")):
        return f"is in a container of kind {index.container}"
    if index.pixel_format not in _PIXEL_FORMATS or index.coded_width % 2 or index.coded_height % 2:
        return f"has frames of {index.coded_width}x{index.coded_height} {index.pixel_format}"
    if index.orientation != Orientation():
        return f"is to be turned by {index.orientation.rotation} degrees for showing"
    return ""


def _why_not_alike(index: FrameIndex, seconds: np.ndarray[Any, Any], keys: Sequence[int]) -> str:
    """How decord's idea of a file differs from what its packets tell; empty when they agree."""
    if len(seconds) != index.num_frames:
        return f"has {index.num_frames} frames that can be decoded, where decord counts {len(seconds)}"
    times = index.info().timestamps
    step = float(np.diff(times).min()) if len(times) > 1 else 1.0
    if np.abs((seconds - seconds[0]) - (times - times[0])).max() > step / 4:
        return "has other time stamps than decord reads"
    if not set(keys) <= set(index.key_frames.tolist()):
        return "marks key frames from which decoding is not exact"
    return ""


def _refuse(name: str, reason: str) -> None:
    if reason:
        raise DataError(f'{name}: {reason}; decord can give wrong frames there. Use decoder = "pyav" for this data.')


def _import_decord() -> Any:
    try:
        import decord
    except (ImportError, OSError) as error:
        raise PluginError(
            f"decoder 'decord' (vidcore-decord): decord cannot be imported: {error}. It is published for 64-bit Intel "
            'and AMD only: install it with "pip install decord", or use decoder = "pyav".'
        ) from error
    decord.logging.set_level(decord.logging.QUIET)
    return decord


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
