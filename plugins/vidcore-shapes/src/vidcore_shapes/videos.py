"""The videos as files: H.264 in MP4, in the cache, made once.

Every frame is coded by itself, with a fixed quantiser. That keeps the promise of `motions` through the codec: a frame
predicted from its neighbours carries traces of them, and with these the direction of motion.

A file is written under another name and renamed when it is whole, so a writer that is killed leaves nothing that looks
finished; the next one goes on where it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import platformdirs
from attrs import frozen
from filelock import FileLock

from vidcore.errors import DataError
from vidcore_shapes.config import NUM_CLASSES
from vidcore_shapes.motions import frame_order
from vidcore_shapes.scenes import draw_scene, paint

Array = np.ndarray[Any, np.dtype[Any]]
Split = Literal["train", "val"]

MADE = 1  # part of the folder's name: raise it with every change of what videos look like
FPS = 25
_SPLITS: dict[Split, int] = {"train": 0, "val": 1}  # part of the key of a scene's random numbers: never change
# One thread: the same bytes on every machine. Ultrafast: nothing that would make them slow to decode.
_X264 = {"preset": "ultrafast", "qp": "24", "g": "1", "threads": "1"}


@frozen(kw_only=True)
class VideoSet:
    """Which videos."""

    split: Split
    num_videos: int
    size: int
    seed: int

    @property
    def folder(self) -> Path:
        """Where they lie."""
        root = os.environ.get("VIDCORE_CACHE") or platformdirs.user_cache_dir("vidcore", appauthor=False)
        return Path(root) / "shapes" / f"v{MADE}-{self.size}px-seed{self.seed}" / self.split

    def path(self, index: int) -> Path:
        return self.folder / f"{index:05d}.mp4"

    def label(self, index: int) -> int:
        """Classes take turns."""
        return index % NUM_CLASSES

    def pictures(self, index: int) -> Array:
        """The frames of a video before they are coded: uint8 `[T, H, W, 3]`.

        Each training video has a scene of its own. In `val` eight videos in a row are the eight motions of one scene:
        whoever ignores the order of frames gives them one answer, and is right for exactly one of the eight.
        """
        number = index if self.split == "train" else index // NUM_CLASSES
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([self.seed, _SPLITS[self.split], number])))
        scene = draw_scene(rng, self.size)
        ordered: Array = paint(scene)[frame_order(scene.loops, self.label(index))]
        return ordered

    def missing(self) -> list[int]:
        """Videos that are not there yet."""
        return [index for index in range(self.num_videos) if not self.path(index).is_file()]


def make_videos(videos: VideoSet, progress: Callable[[Iterable[int], int], Iterable[int]] | None = None) -> int:
    """Write those videos that are not there yet; how many they were.

    Several processes may ask at once: one writes, the others wait for it.

    Args:
        videos: The set to complete.
        progress: Called with the videos as they are done and their number; yields them again, as `rich`'s `track` does.

    Raises:
        DataError: The cache cannot be written to.
    """
    if not videos.missing():
        return 0
    try:
        videos.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(videos.folder / ".lock"):
            for leftover in videos.folder.glob("*.tmp"):  # of a writer that was killed: the lock is ours
                leftover.unlink()
            missing = videos.missing()
            done: Iterable[int] = _write_all(videos, missing)
            return sum(1 for _ in (progress(done, len(missing)) if progress else done))
    except OSError as error:
        raise DataError(
            f"the videos of data set 'shapes' cannot be written to {videos.folder}: {error}; make room, or let the "
            "environment variable VIDCORE_CACHE name another folder"
        ) from error


def _write_all(videos: VideoSet, indices: list[int]) -> Iterator[int]:
    pool = ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 8))  # numpy and x264 work outside Python's lock
    try:
        yield from pool.map(lambda index: _write(videos, index), indices)
    finally:
        pool.shutdown(cancel_futures=True)


def _write(videos: VideoSet, index: int) -> int:
    path = videos.path(index)
    partial = path.with_suffix(".mp4.tmp")
    write_mp4(partial, videos.pictures(index))
    partial.replace(path)
    return index


def write_mp4(path: Path, pictures: Array) -> None:
    """Code RGB pictures `[T, H, W, 3]` as H.264 in MP4, each by itself."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options=_X264)
        stream.height, stream.width = pictures.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        container.mux(stream.encode(None))
    with path.open("rb") as file:
        os.fsync(file.fileno())
