"""`.vidcore` in a folder of outputs: what is unfinished, who is at work, and with which options the folder was made.

It lies inside the folder because only within one file system a rename is all or nothing, and in one place so that what
dead runs left is found without walking through millions of outputs. A process holds a lock while it is at work; the
system frees it however the process ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from vidcore.errors import DataError, RunError
from vidcore.whole_files import written_whole

NAME = ".vidcore"
_UNFINISHED = ".unfinished"


@contextlib.contextmanager
def claimed(folder: Path, label: str) -> Iterator[Path]:
    """An empty folder for unfinished outputs, as long as the context lasts; those of dead runs are removed.

    Raises:
        RunError: Another process is at work under the same label, or the folder cannot be written.
    """
    place = folder / NAME
    try:
        place.mkdir(parents=True, exist_ok=True)
        lock = FileLock(place / f"{label}.lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(
            f"another process is making the same part of {folder}; wait for it, or divide the work with --part 1/2 "
            "and --part 2/2"
        ) from None
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {error.strerror}; choose another folder") from error
    try:
        _remove_leftovers(place, label)
        scratch = place / f"{label}{_UNFINISHED}"
        scratch.mkdir()
        yield scratch
    finally:
        remove(place / f"{label}{_UNFINISHED}")
        lock.release()


def _remove_leftovers(place: Path, own: str) -> None:
    """Remove what is unfinished of runs that are no more; of living ones nothing."""
    for leftover in sorted(place.glob(f"*{_UNFINISHED}*")):
        label = leftover.name.partition(_UNFINISHED)[0]
        if label == own:
            remove(leftover)
            continue
        with contextlib.suppress(Timeout), FileLock(place / f"{label}.lock").acquire(timeout=0):
            remove(leftover)


def remove(path: Path) -> None:
    """Remove a file or folder, if it is there.

    A folder is renamed first: a worker that outlives its killed run by a moment then cannot name it as finished.
    """
    if path.is_dir():
        doomed = path.with_name(f"{path.name}.doomed-{os.getpid()}")
        with contextlib.suppress(FileNotFoundError):
            os.replace(path, doomed)
            shutil.rmtree(doomed, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def made_with(folder: Path, options: Mapping[str, Any]) -> None:
    """Remember the options that a folder is made with.

    Raises:
        DataError: It was made with others: half of it would be of one kind, half of another.
    """
    file = folder / NAME / "options.json"
    now = json.loads(json.dumps(dict(options)))
    if file.exists():
        before = json.loads(file.read_text(encoding="utf-8"))
        changed = [
            f"{name} {before.get(name)} then, {now.get(name)} now"
            for name in sorted({*before, *now})
            if before.get(name) != now.get(name)
        ]
        if changed:
            raise DataError(
                f"{folder} was made with other options: {'; '.join(changed)}. Use the same ones, or another folder"
            )
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(file) as partial:
            partial.write_text(json.dumps(now, sort_keys=True), encoding="utf-8")
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {error.strerror}; choose another folder") from error
