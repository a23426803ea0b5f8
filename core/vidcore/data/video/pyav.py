"""The built-in decoder: FFmpeg through PyAV."""

from __future__ import annotations

import os

from vidcore.config.places import place
from vidcore.data.video import index_cache
from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.frame_index import FrameIndex
from vidcore.data.video.reader import PyAVReader
from vidcore.data.video.scan import build_index
from vidcore.data.video.source import Source, check_file


class PyAV:
    """Opens any video that FFmpeg can read, for exact frames by index.

    Holds nothing but its options, so it goes to worker processes as it is.
    """

    def __init__(self, config: PyAVConfig | None = None) -> None:
        self.config = config or PyAVConfig()

    def open(self, path: str | os.PathLike[str] | bytes) -> PyAVReader:
        """Find the frames of a video, from the cache if it was opened before, and make ready to read them.

        Args:
            path: A file or its address, or the bytes of a whole encoded video.

        Raises:
            DataError: The file is missing, empty, cut short beyond use, no video, or no frame of it can be decoded.
        """
        source = Source(path if isinstance(path, bytes) else place(path))
        return PyAVReader(source, self._index(source), self.config)

    def _index(self, source: Source) -> FrameIndex:
        if isinstance(source.content, bytes) or not self.config.index_cache:
            return build_index(source)
        status = check_file(source.content)
        index = index_cache.load(source.content, status)
        if index is None:
            index = build_index(source)
            index_cache.store(source.content, status, index)
        return index
