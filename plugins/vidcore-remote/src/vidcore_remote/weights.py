"""Weights behind addresses that are not of the web, copied into the cache."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import platformdirs

from vidcore.errors import WeightsError
from vidcore.weights.sources import Progress
from vidcore_remote.config import Remote
from vidcore_remote.paths import RemotePath


class Fetcher:
    """The `weights-fetcher` for every scheme but http and https, which vidcore-checkpoints fetches."""

    def __init__(self, config: Remote) -> None:
        pass

    def accepts(self, address: str) -> bool:
        """Whether it is an address that is not of the web."""
        return "://" in address and not address.startswith(("http://", "https://"))

    def fetch(self, address: str, sha256: str = "", progress: Progress | None = None) -> Path:
        """Copy the file into the cache. A copy is used again while the service tells the same size and stamp.

        Raises:
            WeightsError: It cannot be read, or its hash does not begin with `sha256`.
        """
        source = RemotePath(address)
        try:
            status = source.stat()
            mark = hashlib.sha256(f"{address} {status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:16]
            file = _cache() / f"{source.stem}-{mark}{source.suffix}"
            if not file.is_file():
                _copy(source, file, status.st_size, progress)
        except OSError as error:
            raise WeightsError(f"{address} cannot be fetched: {error.strerror or error}") from error
        with file.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if not found.startswith(sha256.lower()):
            file.unlink()
            raise WeightsError(f"{address} has the SHA-256 hash {found}, not {sha256}; it is another file, or damaged")
        return file


def _cache() -> Path:
    folder = os.environ.get("VIDCORE_CACHE")
    root = Path(folder).expanduser() if folder else platformdirs.user_cache_path("vidcore", appauthor=False)
    return root / "weights"


def _copy(source: RemotePath, file: Path, size: int, progress: Progress | None) -> None:
    """Whole or not at all: it is renamed into place when it is whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        with source.open() as reading, part.open("wb") as writing:
            while block := reading.read(1 << 20):
                writing.write(block)
                if progress:
                    progress(writing.tell(), size or None)
        shutil.move(part, file)
    finally:
        part.unlink(missing_ok=True)
