"""Append-only files of JSON lines: metrics.jsonl (values, a function of the experiment), timings.jsonl (the rest)."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vidcore.errors import RunError


class Journal:
    """One file of JSON lines, open for appending."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("ab")
            if self._file.tell() and not _ends_with_newline(path):
                self._file.write(b"\n")  # the line that a kill cut short stays alone and is skipped by readers
        except OSError as error:
            raise RunError(f"{path}: cannot be written: {error}; make room or mend its permissions") from error

    def append(self, row: Mapping[str, Any]) -> None:
        """Write one line.

        Raises:
            RunError: The disk is full or cannot be written to.
        """
        try:
            self._file.write(json.dumps(row).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise self._full(error) from error

    def offset(self) -> int:
        """Bytes so far, once they are on the disk."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._full(error) from error
        return self._file.tell()

    def _full(self, error: OSError) -> RunError:
        return RunError(f"{self.path}: cannot be written: {error}; make room and run the same command again")

    def close(self) -> None:
        with contextlib.suppress(OSError):  # what could not be flushed was told by `append` already
            self._file.close()


def cut(path: Path, offset: int) -> str:
    """Drop what was written after a checkpoint; in words, where the file is shorter than it was then."""
    size = path.stat().st_size if path.exists() else 0
    if size < offset:
        return (
            f"{path.name} has {size} bytes, and had {offset} when the checkpoint was saved: lines are missing from it"
        )
    if size > offset:
        os.truncate(path, offset)
    return ""


def read_journal(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file of JSON lines. Lines that a kill cut short are skipped."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            with contextlib.suppress(ValueError):
                if isinstance(row := json.loads(line), dict):
                    yield row


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
