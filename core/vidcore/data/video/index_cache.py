"""Frame indices on disk, so that a file is scanned once and not once a run.

One small file for each video, named after its path and holding its size and time of change: a video that is replaced is
scanned anew. The cache is a convenience: what cannot be read is rebuilt, what cannot be written is left out.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import tempfile
from pathlib import Path

import platformdirs

from vidcore.data.video.frame_index import FrameIndex

_HEAD = struct.Struct("<qq")  # size in bytes, time of change in nanoseconds


def cache_folder() -> Path:
    """Where frame indices are kept: below VIDCORE_CACHE, or the user's cache folder."""
    root = os.environ.get("VIDCORE_CACHE") or platformdirs.user_cache_dir("vidcore", appauthor=False)
    return Path(root) / "frame-index"


def load(video: Path, status: os.stat_result) -> FrameIndex | None:
    """The index of a video with this size and time of change, or None when there is none that can be used."""
    try:
        data = _entry(video).read_bytes()
        if _HEAD.unpack_from(data) != (status.st_size, status.st_mtime_ns):
            return None
        return FrameIndex.from_bytes(data[_HEAD.size :])
    except (OSError, ValueError, struct.error, ArithmeticError, TypeError):
        return None


def store(video: Path, status: os.stat_result, index: FrameIndex) -> None:
    """Write the index at once or not at all: it is renamed into place when it is whole."""
    entry = _entry(video)
    data = _HEAD.pack(status.st_size, status.st_mtime_ns) + index.to_bytes()
    with contextlib.suppress(OSError):
        entry.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=entry.parent, prefix=entry.stem, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.replace(name, entry)
        except OSError:
            os.unlink(name)
            raise


def _entry(video: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(video.absolute())).hexdigest()
    return cache_folder() / digest[:2] / f"{digest[2:34]}.idx"
