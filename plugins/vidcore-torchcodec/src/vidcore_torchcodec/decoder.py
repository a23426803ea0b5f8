"""TorchCodec behind vidcore's decoder interface, held to the same exactness.

TorchCodec is told where frames and key frames are by the index that the built-in decoder uses, so it scans no file a
second time and seeks to no packet that is only marked as a key frame. What it is not exact on all the same is refused,
and of every frame that it gives the time stamp is compared with the one that was asked for.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vidcore.config.places import place
from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.frame_index import FrameIndex
from vidcore.data.video.pyav import PyAV
from vidcore.data.video.whole_frames import WholeFrames
from vidcore.errors import ConfigError, DataError, PluginError
from vidcore.interfaces import VideoReader
from vidcore_torchcodec.config import TorchCodec

# Where TorchCodec passes the conformance suite of vidcore.testing.decoders.
_CODECS = {"h264", "hevc", "vp8", "vp9", "mpeg4", "mjpeg"}
_CONTAINERS = {"mp4", "webm", "avi"}
_HALVED_COLOURS = {"yuv420p", "yuvj420p"}  # of frames with odd sides it makes other colours, by up to 8 grey levels
_WHOLE_COLOURS = {"yuv444p", "yuvj444p"}


class TorchCodecDecoder:
    """Opens videos with TorchCodec and refuses those on which it is not exact."""

    def __init__(self, config: TorchCodec | None = None) -> None:
        self.config = config or TorchCodec()
        self._indices = PyAV(PyAVConfig())

    def open(self, path: str | Path | bytes) -> VideoReader:
        """Look at the file's packets, then open it with TorchCodec.

        Raises:
            DataError: No usable video, or one on which TorchCodec is not exact. Use `decoder = "pyav"` for those.
            PluginError: TorchCodec or the FFmpeg libraries that it needs are not installed.
            ConfigError: The GPU that was asked for is not there.
        """
        torchcodec = _import_torchcodec()
        self._check_device()
        name = "<bytes>" if isinstance(path, bytes) else str(path)
        with self._indices.open(path) as ours:
            index = ours.index
        if reason := _why_not_exact(index):
            raise DataError(f"{name}: {reason}. {_WAY_OUT}")
        try:
            video = torchcodec.decoders.VideoDecoder(
                path if isinstance(path, bytes) else _source(path),
                num_ffmpeg_threads=self.config.threads,
                device=self.config.device,
                custom_frame_mappings=_mappings(index),
            )
        except (RuntimeError, ValueError) as error:
            raise DataError(f"{name}: cannot be opened by TorchCodec: {_reason(error)}. {_WAY_OUT}") from error
        return WholeFrames(name, index.info(), _Frames(name, index, video))

    def _check_device(self) -> None:
        device, count = torch.device(self.config.device), torch.cuda.device_count()
        if device.type == "cuda" and (device.index or 0) >= count:
            raise ConfigError(
                f"data.decoder.device is {self.config.device!r}, but torch sees {count} CUDA devices here. "
                'Use device = "cpu".'
            )


class _Frames:
    """Frames by number, each compared with the index by its time stamp."""

    def __init__(self, name: str, index: FrameIndex, video: Any) -> None:
        self._name, self._video = name, video
        self._times = index.info().timestamps
        self._nearest = float(np.diff(self._times).min()) if len(self._times) > 1 else 1.0

    def __call__(self, numbers: list[int]) -> Tensor:
        try:
            batch = self._video.get_frames_at(numbers)
        except (RuntimeError, IndexError) as error:
            raise DataError(
                f"{self._name}: frame {numbers[0]} or one that follows cannot be decoded by TorchCodec: "
                f"{_reason(error)}. {_WAY_OUT}"
            ) from error
        off = np.abs(batch.pts_seconds.numpy() - self._times[numbers])
        if (off > self._nearest / 4).any():
            frame = numbers[int(off.argmax())]
            raise DataError(f"{self._name}: TorchCodec gives another frame than {frame}, by its time stamp. {_WAY_OUT}")
        frames: Tensor = batch.data
        return frames


_WAY_OUT = 'Use decoder = "pyav" for this data.'


def _why_not_exact(index: FrameIndex) -> str:
    """What about a file TorchCodec is not exact on; empty when nothing."""
    if index.codec not in _CODECS:
        return f"is {index.codec}, on which TorchCodec is not known to be exact"
    if not _CONTAINERS & set(index.container.split(",")):
        return f"is in a container of kind {index.container}, in which TorchCodec seeks to wrong places"
    if index.container == "avi" and (np.diff(index.packets) < 0).any():
        return "is AVI with frames out of order, whose time stamps are mere counters"
    odd = bool(index.coded_width % 2 or index.coded_height % 2)
    if index.pixel_format not in _WHOLE_COLOURS and (odd or index.pixel_format not in _HALVED_COLOURS):
        size = f"{index.coded_width}x{index.coded_height}"
        return f"has frames of {size} {index.pixel_format}, of which TorchCodec makes other colours"
    return ""


def _source(path: str | Path) -> Any:
    """What TorchCodec opens: a path of this machine, or a file object of what an address leads to."""
    found: Any = place(path)
    return str(found) if isinstance(found, os.PathLike) else found.open("rb")


def _mappings(index: FrameIndex) -> bytes:
    """Frames and key frames as TorchCodec is told of them: in the order shown, the durations up to the next one."""
    pts = index.pts
    last = np.diff(pts)[-1:] if len(pts) > 1 else np.ones(1, np.int64)
    keys = set(index.key_frames.tolist())
    rows = zip(pts.tolist(), np.concatenate([np.diff(pts), last]).tolist(), strict=True)
    frames = [
        {"pts": start, "duration": length, "key_frame": int(number in keys)}
        for number, (start, length) in enumerate(rows)
    ]
    return json.dumps({"frames": frames}).encode()


def _import_torchcodec() -> Any:
    try:
        import torchcodec
    except (ImportError, OSError, RuntimeError) as error:
        raise PluginError(
            f"decoder 'torchcodec' (vidcore-torchcodec): torchcodec cannot be imported: {_reason(error)}. Install the "
            f'version that belongs to torch {torch.__version__}: pip install torchcodec; or use decoder = "pyav".'
        ) from error
    module: Any = torchcodec
    if module.ffmpeg_major_version is None:
        raise PluginError(
            "decoder 'torchcodec' (vidcore-torchcodec): TorchCodec finds no FFmpeg libraries that it can use. "
            f"Install them: apt-get install ffmpeg (brew install ffmpeg, conda install ffmpeg). If they are there, "
            f"torchcodec {module.__version__} does not belong to torch {torch.__version__}. "
            'Or use decoder = "pyav", which brings its own.'
        )
    return module


def _reason(error: Exception) -> str:
    """The end of TorchCodec's message: before it stands where in its sources it was raised."""
    return str(error).strip().rpartition(".cpp:")[2].partition(", ")[2].rstrip(".") or str(error).splitlines()[0]
