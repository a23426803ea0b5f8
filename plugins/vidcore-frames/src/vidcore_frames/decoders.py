"""The decoders: what opens a path as a video of frames."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vidcore.config.places import place
from vidcore.data.video.whole_frames import WholeFrames
from vidcore.errors import DataError
from vidcore.interfaces import Decoder, VideoInfo, VideoReader
from vidcore.plugins import build
from vidcore_frames import arrays, pictures
from vidcore_frames.arrays import frame_times
from vidcore_frames.config import FlowFrames, Frames
from vidcore_frames.pictures import Pixels, decode, shown_size
from vidcore_frames.sequences import find_sequence
from vidcore_frames.stores import Store, open_store
from vidcore_frames.templates import Template, flow_templates


class FramesDecoder:
    """Opens folders, archives and arrays of frames and single images; other paths are left to another decoder."""

    def __init__(self, config: Frames | None = None) -> None:
        self.config = config or Frames()
        self._template = Template.parse(self.config.template)
        self._videos: Decoder = build(self.config.videos)

    def open(self, path: str | Path | bytes) -> VideoReader:
        """Find the frames.

        Args:
            path: A folder, an archive, an array or an image; a video, or the bytes of one, goes to `config.videos`.

        Raises:
            DataError: There is no such file, or a frame of it is missing; the first frame cannot be decoded.
        """
        if isinstance(path, bytes):
            return self._videos.open(path)
        path = place(path)
        suffix = path.suffix.lower()
        with _told(path):
            if suffix in arrays.SUFFIXES and path.is_file():
                return arrays.open_array(path, self.config.array, self.config.fps)
            if suffix in pictures.SUFFIXES and path.is_file():
                return _image(path, self.config.fps)
            store = open_store(path)
        return self._videos.open(path) if store is None else self._sequence(store, str(path))

    def _sequence(self, store: Store, name: str) -> VideoReader:
        with _closing_on_error(store):
            found = find_sequence(store.names(), self._template, name)
            return _reader(store, name, found.count, self.config.fps, lambda frame: (found.file(frame),))


class FlowDecoder:
    """Opens folders and archives of optical flow."""

    def __init__(self, config: FlowFrames | None = None) -> None:
        self.config = config or FlowFrames()
        self._templates = flow_templates(self.config.template, (self.config.axes[0], self.config.axes[1]))

    def open(self, path: str | Path | bytes) -> VideoReader:
        """Find the pairs of pictures.

        Raises:
            DataError: There is no such folder or archive, or a picture of it is missing.
        """
        if isinstance(path, bytes):
            raise DataError("<bytes>: optical flow is read from a folder or an archive of pictures. Give its path.")
        path = place(path)
        with _told(path):
            store = open_store(path)
        if store is None:
            raise DataError(
                f"{path}: is no folder and no archive. Optical flow is pictures: vidcore data flow makes them."
            )
        with _closing_on_error(store):
            return self._sequence(store, str(path))

    def _sequence(self, store: Store, name: str) -> VideoReader:
        names, stack = store.names(), self.config.stack
        x, y = (find_sequence(names, template, name) for template in self._templates)
        if (x.first, x.count) != (y.first, y.count):
            raise DataError(
                f"{name}: has {x.count} pictures of x from {x.file(0)} on and {y.count} of y from {y.file(0)} on, "
                "which do not belong together. Make the flow again."
            )
        # Shorter than a stack, the last pair is repeated: a video has at least one frame.
        count, last = max(x.count - stack + 1, 1), x.count - 1

        def files(frame: int) -> tuple[str, ...]:
            return tuple(axis.file(min(frame + i, last)) for i in range(stack) for axis in (x, y))

        return _reader(store, name, count, self.config.fps, files, moves=True)


def _reader(
    store: Store, name: str, count: int, fps: float, files: Callable[[int], tuple[str, ...]], moves: bool = False
) -> VideoReader:
    """A reader of frames that are made of one RGB picture, or of several grey ones when they are `moves`."""

    def content(file: str) -> bytes:
        with _told(f"{name}/{file}"):
            return store.read(file)

    def picture(file: str) -> Pixels:
        return _same_size(decode(content(file), f"{name}/{file}", "L" if moves else "RGB"), size, f"{name}/{file}")

    first = files(0)[0]
    size = shown_size(content(first), f"{name}/{first}")

    def frames(numbers: list[int]) -> Tensor:
        wanted = dict.fromkeys(file for number in numbers for file in files(number))
        decoded = {file: picture(file) for file in wanted}
        if moves:
            stacked = np.stack([np.stack([decoded[file] for file in files(number)]) for number in numbers])
            return torch.from_numpy(stacked)
        return torch.from_numpy(np.stack([decoded[files(number)[0]] for number in numbers])).permute(0, 3, 1, 2)

    info = VideoInfo(
        num_frames=count,
        fps=fps,
        width=size[1],
        height=size[0],
        timestamps=frame_times(count, fps),
        codec=Path(first).suffix[1:].lower(),
        channels=len(files(0)) if moves else 3,
        moves=moves,
    )
    return WholeFrames(name, info, frames, store.close)


def _image(path: Path, fps: float) -> VideoReader:
    """An image is a video of one frame, which a sampling repeats."""
    return arrays.frames_of(decode(path.read_bytes(), str(path))[None], str(path), fps)


def _same_size(picture: Pixels, size: tuple[int, ...], name: str) -> Pixels:
    if picture.shape[:2] != size:
        raise DataError(
            f"{name}: is {picture.shape[1]}x{picture.shape[0]}, the first frame {size[1]}x{size[0]} (width x height). "
            "Frames of a video have one size: extract it again."
        )
    return picture


@contextlib.contextmanager
def _told(path: Path | str) -> Iterator[None]:
    """What the system says about a file as an error that names it and a way out."""
    try:
        yield
    except OSError as error:
        reason = "no such file or folder" if isinstance(error, FileNotFoundError) else f"cannot be read: {error}"
        raise DataError(f"{path}: {reason}. Check the path in the list and `data.root` (or VIDCORE_DATA).") from error


@contextlib.contextmanager
def _closing_on_error(store: Store) -> Iterator[None]:
    try:
        yield
    except BaseException:
        store.close()
        raise
