"""Weights that are no local file of vidcore's own come through plugins: readers of foreign files, and fetchers.

A plugin offers a component of kind `weights-reader` or `weights-fetcher`, whose factory is called with its config and
gives one of the objects below. Every installed one is asked, in order of name, and the first that accepts is used.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from vidcore.errors import WeightsError
from vidcore.plugins import host, load_reference
from vidcore.plugins.discovery import known_plugins
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
    reader: WeightsReader | None = _first(READER, path)
    if reader is None:
        raise WeightsError(
            f"{path} is no weights file of vidcore; a plugin that reads foreign checkpoints is needed{_where(READER)}"
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
    fetcher: WeightsFetcher | None = _first(FETCHER, address)
    if fetcher is None:
        raise WeightsError(f"{address} is not on this machine; a plugin that fetches it is needed{_where(FETCHER)}")
    return fetcher.fetch(address, sha256, progress)


def is_address(source: str) -> bool:
    """Whether a source names a place outside this machine, and no file or published weights."""
    return "://" in source


def _first(kind: str, source: object) -> Any | None:
    components = host().components
    for name in components.names(kind):
        component = components.find(kind, name)
        if component is not None:
            made = load_reference(component.factory)(load_reference(component.config)())
            if made.accepts(source):
                return made
    return None


def _where(kind: str) -> str:
    """What to install, or which installed ones did not accept."""
    names = host().components.names(kind)
    if names:
        return f", and of those installed ({', '.join(names)}) none accepts it"
    known = sorted({owner for key, owner in known_plugins().items() if key.startswith(f"{kind}:")})
    broken = "".join(f"\n{host().explain(record)}" for record in host().broken)
    return (f": pip install {' or '.join(known)}" if known else "") + broken
