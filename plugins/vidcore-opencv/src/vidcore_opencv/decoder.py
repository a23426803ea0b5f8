"""OpenCV behind vidcore's decoder interface, held to the same exactness.

OpenCV's seeking goes to other frames than were asked for in many files, and its count of frames is that of a header. So
a video is read from its start, counting, as far as the last frame that is wanted, and the time of every frame that is
given is compared with the one in the index of the built-in decoder. What OpenCV is not known to be exact on is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.frame_index import FrameIndex
from vidcore.data.video.pyav import PyAV
from vidcore.data.video.whole_frames import WholeFrames
from vidcore.errors import DataError
from vidcore.interfaces import VideoReader
from vidcore_opencv.config import OpenCV

# Where OpenCV passes the conformance suite of vidcore.testing.decoders.
_CODECS = {"h264", "hevc", "vp8", "vp9", "mpeg4", "mjpeg"}
_CONTAINERS = {"mp4", "webm", "mpegts", "avi"}
_HALVED_COLOURS = {"yuv420p", "yuvj420p"}  # of frames with odd sides it makes other colours, by up to 8 grey levels
_WHOLE_COLOURS = {"yuv444p", "yuvj444p"}
_WAY_OUT = 'Use decoder = "pyav" for this data.'


class OpenCVDecoder:
    """Opens videos with OpenCV and refuses those on which it is not exact."""

    def __init__(self, config: OpenCV | None = None) -> None:
        self.config = config or OpenCV()
        self._indices = PyAV(PyAVConfig())

    def open(self, path: str | Path | bytes) -> VideoReader:
        """Look at the file's packets, then open it with OpenCV.

        Raises:
            DataError: No usable video, one on which OpenCV is not exact, or bytes. Use `decoder = "pyav"` for those.
        """
        if isinstance(path, bytes):
            raise DataError(f"<bytes>: OpenCV reads files only. {_WAY_OUT}")
        name = str(path)
        with self._indices.open(path) as ours:
            index = ours.index
        if reason := _why_not_exact(index):
            raise DataError(f"{name}: {reason}. {_WAY_OUT}")
        frames = _Frames(name, index)
        return WholeFrames(name, index.info(), frames, frames.close)


class _Frames:
    """Frames by number, ascending, read from the start of the file or from where the last reading ended."""

    def __init__(self, name: str, index: FrameIndex) -> None:
        self._name, times = name, index.info().timestamps
        self._milliseconds = (times - times[0]) * 1000
        self._nearest = float(np.diff(self._milliseconds).min()) if len(times) > 1 else 1000.0
        self._capture: Any = None
        self._next = 0  # number of the frame that `grab` comes to
        self._start = 0.0

    def __call__(self, numbers: list[int]) -> Tensor:
        # the last frame that was grabbed can be had once more
        if self._capture is None or numbers[0] < self._next - 1:
            self._open()
        return torch.from_numpy(np.stack([self._read(number) for number in numbers])).permute(0, 3, 1, 2)

    def close(self) -> None:
        """Give the file back."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _open(self) -> None:
        self.close()
        self._capture, self._next = cv2.VideoCapture(self._name, cv2.CAP_FFMPEG), 0
        if not self._capture.isOpened():
            raise DataError(f"{self._name}: cannot be opened by OpenCV. {_WAY_OUT}")

    def _read(self, number: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        while self._next <= number:
            if not self._capture.grab():
                raise DataError(f"{self._name}: OpenCV does not come to frame {number}. {_WAY_OUT}")
            if self._next == 0:
                self._start = self._capture.get(cv2.CAP_PROP_POS_MSEC)
            self._next += 1
        time = self._capture.get(cv2.CAP_PROP_POS_MSEC) - self._start
        if abs(time - self._milliseconds[number]) > self._nearest / 4:
            raise DataError(f"{self._name}: OpenCV gives another frame than {number}, by its time. {_WAY_OUT}")
        done, pixels = self._capture.retrieve()
        if not done:
            raise DataError(f"{self._name}: frame {number} cannot be decoded by OpenCV. {_WAY_OUT}")
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def _why_not_exact(index: FrameIndex) -> str:
    """What about a file OpenCV is not exact on; empty when nothing."""
    if index.codec not in _CODECS:
        return f"is {index.codec}, on which OpenCV is not known to be exact"
    if not _CONTAINERS & set(index.container.split(",")):
        return f"is in a container of kind {index.container}, of which OpenCV reads other times"
    if index.container == "avi" and (np.diff(index.packets) < 0).any():
        return "is AVI with frames out of order, whose time stamps are mere counters"
    if index.key_packets[0]:
        return "does not begin with a key frame, and OpenCV may begin to count elsewhere"
    odd = bool(index.coded_width % 2 or index.coded_height % 2)
    if index.pixel_format not in _WHOLE_COLOURS and (odd or index.pixel_format not in _HALVED_COLOURS):
        size = f"{index.coded_width}x{index.coded_height}"
        return f"has frames of {size} {index.pixel_format}, of which OpenCV makes other colours"
    return ""
