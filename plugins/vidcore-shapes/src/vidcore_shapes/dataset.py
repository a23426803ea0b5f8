"""The data set: makes its videos when they are not there, then reads them as any other list of videos."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from rich.console import Console
from rich.progress import track

from vidcore.data.clips import DataContext
from vidcore_shapes.config import CLASSES, Shapes
from vidcore_shapes.videos import VideoSet, make_videos
from vidcore_videos.datasets import VideoDataset
from vidcore_videos.index_table import IndexTable, Row

log = logging.getLogger("vidcore.shapes")


def shapes_videos(config: Shapes, context: DataContext) -> VideoDataset:
    """The data set of kind `shapes`. Its videos lie in the cache, whatever `data.root` is.

    Raises:
        DataError: They are not there and cannot be written.
    """
    videos = VideoSet(split=config.split, num_videos=config.num_videos, size=config.size, seed=config.made_with_seed)

    def progress(done: Iterable[int], total: int) -> Iterable[int]:
        log.info("making %d videos of moving shapes (%s) in %s", total, config.split, videos.folder)
        console = Console(stderr=True)
        return track(done, f"making {config.split} videos", total, console=console, transient=True)

    make_videos(videos, progress)
    rows = [Row(index + 1, videos.path(index).name, (videos.label(index),)) for index in range(videos.num_videos)]
    return VideoDataset(IndexTable.of(rows, videos.folder), CLASSES, videos.folder, context)
