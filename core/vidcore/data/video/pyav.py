"""The built-in decoder: FFmpeg through PyAV."""

from __future__ import annotations

import os

from vidcore.data.video import index_cache
from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.frame_index import FrameIndex
from vidcore.data.video.reader import PyAVReader
from vidcore.data.video.scan import build_index
from vidcore.data.video.source import FileSource, Source, as_source


class PyAV:
    """Opens any video that FFmpeg can read, for exact frames by index.

    Holds nothing but its options, so it goes to worker processes as it is.
    """

    def __init__(self, config: PyAVConfig | None = None) -> None:
        self.config = config or PyAVConfig()

    def open(self, path: str | os.PathLike[str] | bytes | Source) -> PyAVReader:
        """Find the frames of a video, from the cache if it was opened before, and make ready to read them.

        Args:
            path: A file, or the bytes of a whole encoded video.

        Raises:
            DataError: The file is missing, empty, cut short beyond use, no video, or no frame of it can be decoded.
        """
        source = as_source(path)
        return PyAVReader(source, self.index(source), self.config)

    def index(self, source: Source) -> FrameIndex:
        """Where the frames of a source are; scanned when the cache does not know it as it is now."""
        if not (self.config.index_cache and isinstance(source, FileSource)):
            return build_index(source)
        status = source.check()
        index = index_cache.load(source.path, status)
        if index is None:
            index = build_index(source)
            index_cache.store(source.path, status, index)
        return index
