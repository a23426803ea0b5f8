"""Weights that are no local file of vidcore's own come through plugins: readers of foreign files, and fetchers.

A plugin offers a component of kind `weights-reader` or `weights-fetcher`, whose factory is called with its config and
gives one of the objects below. Every installed one is asked, in order of name, and the first that accepts is used.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from vidcore.config.places import is_address as is_address
from vidcore.errors import WeightsError
from vidcore.plugins.asking import first_that_accepts, what_to_install
from vidcore.weights.reading import Checkpoint, is_safetensors, read_safetensors

Progress = Callable[[int, int | None], None]  # bytes that are here, bytes in all (None while nobody knows)

READER, FETCHER = "weights-reader", "weights-fetcher"


class WeightsReader(Protocol):
    """Reads the files of others. Nothing that a file names may be executed."""

    def accepts(self, path: Path) -> bool:
        """Whether the file looks like one that it reads, by its first bytes."""

    def read(self, path: Path) -> Checkpoint:
        """What the file holds; raises `WeightsError` where it is broken."""


class WeightsFetcher(Protocol):
    """Brings the files of addresses into a cache."""

    def accepts(self, address: str) -> bool:
        """Whether it knows the scheme of the address."""

    def fetch(self, address: str, sha256: str = "", progress: Progress | None = None) -> Path:
        """The local file, whose hash starts with `sha256`; raises `WeightsError` where it cannot be had."""


def read_checkpoint(path: Path | str) -> Checkpoint:
    """Read safetensors, or a file that an installed reader accepts.

    Raises:
        WeightsError: The file is missing or broken, or no installed plugin reads it.
    """
    path = Path(path)
    if is_safetensors(path):
        return read_safetensors(path)
    reader: WeightsReader | None = first_that_accepts(READER, path)
    if reader is None:
        raise WeightsError(
            f"{path} is no weights file of vidcore; a plugin that reads foreign checkpoints is needed"
            f"{what_to_install(READER)}"
        )
    return reader.read(path)


def fetch(address: str, sha256: str = "", progress: Progress | None = None) -> Path:
    """The file of an address, through an installed fetcher.

    Args:
        address: With its scheme, such as https.
        sha256: The hash of the file, or its first digits; empty if nobody published it.
        progress: Told as the bytes come in.

    Raises:
        WeightsError: The file cannot be had, or no installed plugin fetches from there.
    """
    fetcher: WeightsFetcher | None = first_that_accepts(FETCHER, address)
    if fetcher is None:
        raise WeightsError(
            f"{address} is not on this machine; a plugin that fetches it is needed{what_to_install(FETCHER)}"
        )
    return fetcher.fetch(address, sha256, progress)
