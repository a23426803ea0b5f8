"""Frame indices on disk, so that a file is scanned once and not once a run.

One small file for each video, named after its path and holding its size and time of change: a video that is replaced is
scanned anew. The cache is a convenience: what cannot be read is rebuilt, what cannot be written is left out.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
from pathlib import Path

import platformdirs

from vidcore.data.video.frame_index import FrameIndex
from vidcore.whole_files import written_whole


def load(video: Path, status: os.stat_result) -> FrameIndex | None:
    """The index of a video with this size and time of change, or None when there is none that can be used."""
    try:
        data, stamp = _entry(video).read_bytes(), _stamp(status)
        return FrameIndex.from_bytes(data.removeprefix(stamp)) if data.startswith(stamp) else None
    except (OSError, ValueError):
        return None


def store(video: Path, status: os.stat_result, index: FrameIndex) -> None:
    """Write the index at once or not at all: it is renamed into place when it is whole."""
    entry = _entry(video)
    with contextlib.suppress(OSError):
        entry.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(entry) as partial:
            partial.write_bytes(_stamp(status) + index.to_bytes())


def _stamp(status: os.stat_result) -> bytes:
    return struct.pack("<qq", status.st_size, status.st_mtime_ns)


def _entry(video: Path) -> Path:
    """Below VIDCORE_CACHE, or the user's cache folder."""
    root = os.environ.get("VIDCORE_CACHE") or platformdirs.user_cache_dir("vidcore", appauthor=False)
    digest = hashlib.sha256(os.fsencode(str(video.absolute()))).hexdigest()
    return Path(root) / "frame-index" / digest[:2] / f"{digest[2:34]}.idx"
