"""The folder that a run leaves, and whether a run may write to it.

runs/NAME/
    experiment.toml     resolved; runs by itself
    environment.json    versions, hardware, threads
    log.txt             what happened, with times
    metrics.jsonl       values only: the same run writes the same bytes
    timings.jsonl       seconds, memory
    bad_videos.txt      videos that could not be read, and why; only where there are some
    result.json         final figures; its presence means that the run is finished
    checkpoints/        to continue from
    weights/            last.safetensors, best.safetensors, each with its contract
    predictions/        SPLIT.jsonl
"""

from __future__ import annotations

import contextlib
import fcntl
import fnmatch
import json
import logging
import os
import tomllib
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

from vidcore.config.loading import load_experiment
from vidcore.config.tables import to_table, write
from vidcore.errors import ConfigError, RunError, VidcoreError
from vidcore.whole_files import written_whole

# keys that decide where and how often, but not what is computed: they may differ when a run goes on
FREE_KEYS = (
    "name",
    "about.*",
    "callbacks.*",
    "data.root",
    "data.workers",
    "data.prefetch",
    "engine.device",
    "engine.checkpoint.every",
    "engine.checkpoint.every_steps",
    "engine.checkpoint.keep",
)

_BEFORE_ANYTHING = (".lock", "log.txt", ".experiment.toml.*.tmp")  # what a run may leave that got no further


class Standing(Enum):
    """What a run folder holds."""

    NEW = "new"
    UNFINISHED = "unfinished"
    FINISHED = "finished"


class RunFolder:
    """Paths inside a run folder, and what may be written there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.experiment, self.environment = path / "experiment.toml", path / "environment.json"
        self.log, self.result = path / "log.txt", path / "result.json"
        self.metrics, self.timings = path / "metrics.jsonl", path / "timings.jsonl"
        self.checkpoints, self.bad_videos = path / "checkpoints", path / "bad_videos.txt"

    def weights(self, which: str) -> Path:
        """`last` or `best`."""
        return self.path / "weights" / f"{which}.safetensors"

    def predictions(self, split: str) -> Path:
        return self.path / "predictions" / f"{split}.jsonl"

    def refuse_foreign(self) -> None:
        """Leave alone what is not ours.

        Raises:
            RunError: The folder exists and is no run folder.
        """
        if self.path.is_dir() and not self.experiment.exists():
            foreign = [entry.name for entry in self.path.iterdir() if not _matches(entry.name, _BEFORE_ANYTHING)]
            if foreign:
                raise RunError(
                    f"{self.path} holds {foreign[0]!r} and is no run folder; choose another --name or --runs"
                )

    def begun(self) -> bool:
        """Whether anything has come of the experiment in it; a mistake that was told before may still be mended."""
        lines = self.metrics.exists() and self.metrics.stat().st_size > 0
        return self.experiment.exists() and (lines or self.result.exists() or any(self.checkpoints.glob("step-*")))

    def standing(self, table: dict[str, Any]) -> tuple[Standing, list[str]]:
        """What the folder holds for an experiment, and remarks on what differs without harm.

        Args:
            table: The resolved experiment.

        Raises:
            RunError: Its experiment.toml cannot be read.
            ConfigError: Another experiment was run in it; the message shows each difference.
        """
        if not self.begun():
            return Standing.NEW, []
        before = self.read_experiment()
        with contextlib.suppress(VidcoreError):  # what is wrong with it is told as a difference
            before = to_table(load_experiment(self.experiment))  # with the defaults of options that have come since
        remarks = self._compare(before, table)
        epochs, epochs_before = _epochs(table), _epochs(before)
        if epochs == self.read_json(self.result).get("epochs"):
            return Standing.FINISHED, remarks
        if epochs != epochs_before:
            remarks.insert(
                0, f"extended: engine.epochs was {epochs_before}, is {epochs}; the schedule is that of {epochs}"
            )
        return Standing.UNFINISHED, remarks

    def read_experiment(self) -> dict[str, Any]:
        """The table of experiment.toml.

        Raises:
            RunError: It cannot be read.
        """
        try:
            return tomllib.loads(self.experiment.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"{self.experiment}: cannot be read: {error}; start anew with --fresh") from error

    def _compare(self, before: dict[str, Any], now: dict[str, Any]) -> list[str]:
        harmful, harmless = list[str](), list[str]()
        for key, was, is_now in table_differences(before, now):
            if key == "engine.epochs" and is_now is not None and is_now > was:
                continue
            (harmless if _matches(key, FREE_KEYS) else harmful).append(f"{key}: was {_show(was)}, is {_show(is_now)}")
        if harmful:
            listed = "\n  ".join(harmful)
            raise ConfigError(
                f"{self.path} was made by another experiment:\n  {listed}\n"
                f"To go on with it: vidcore run {self.experiment}. To run this one: choose another --name, "
                "or --fresh, which keeps the old folder under another name."
            )
        return harmless

    def read_json(self, path: Path) -> dict[str, Any]:
        """The table of a JSON file; empty where there is none that can be read."""
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return table if isinstance(table, dict) else {}

    def write_experiment(self, table: dict[str, Any]) -> None:
        """Write experiment.toml, and make the folders for weights and predictions.

        Raises:
            RunError: The disk is full or cannot be written to.
        """
        with self._guarded():
            write(self.experiment, table)
            for folder in (self.path, self.path / "weights", self.path / "predictions"):
                folder.mkdir(exist_ok=True)
                for partial in folder.glob("*.tmp"):  # of an attempt that was killed
                    partial.unlink()

    def unfinish(self) -> None:
        """Take back that the run is finished: it is about to be extended."""
        with self._guarded():
            self.result.unlink(missing_ok=True)

    def write_json(self, path: Path, value: Any) -> None:
        """Write plain values, whole or not at all.

        Raises:
            RunError: The disk is full or cannot be written to.
        """
        with self._guarded(), written_whole(path) as partial:
            partial.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RunError(f"{self.path} cannot be written: {error}; make room or mend its permissions") from error


class RunLock:
    """One process a run folder. Released by the system when the process ends, however it ends.

    A record lock (`lockf`), not `flock`: workers that outlive a killed run inherit the latter and would keep the folder
    taken.
    """

    _mine: ClassVar[set[Path]] = set()  # record locks do not keep a process from itself

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._descriptor: int | None = None

    def __enter__(self) -> RunLock:
        """Take the lock.

        Raises:
            RunError: Another process has it, or the folder cannot be written to.
        """
        if self.folder in self._mine:
            raise RunError(f"{self.folder} is in use by this process already")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise RunError(
                f"the run folder {self.folder} cannot be written: {error}; choose another with --runs"
            ) from error
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(descriptor, 100, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise RunError(
                f"{self.folder} is in use by another process ({owner or 'unknown'}); wait for it, stop it, "
                "or choose another --name"
            ) from error
        self._descriptor = descriptor
        self._mine.add(self.folder)
        with contextlib.suppress(OSError):  # a courtesy for the next one; a full disk is told where it matters
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()} on {os.uname().nodename}".encode(), 0)
        return self

    def __exit__(self, *error: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)  # releases the lock
            self._mine.discard(self.folder)
            self._descriptor = None


def set_aside(folder: Path) -> Path | None:
    """Give a run folder another name, for `--fresh`; the new name, or None where there was nothing to keep.

    Raises:
        RunError: It is in use, or cannot be renamed.
    """
    if not folder.exists():
        return None
    with RunLock(folder):
        if {entry.name for entry in folder.iterdir()} == {".lock"}:
            return None
        number = next(number for number in range(1, 1_000_000) if not _numbered(folder, number).exists())
        try:
            return folder.rename(_numbered(folder, number))
        except OSError as error:
            raise RunError(f"{folder} cannot be renamed: {error}") from error


def table_differences(before: dict[str, Any], now: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(dotted key, was, is) of every value that differs; None where a key is absent."""
    for key in [*before, *(key for key in now if key not in before)]:
        was, is_now = before.get(key), now.get(key)
        if isinstance(was, dict) and isinstance(is_now, dict):
            yield from table_differences(was, is_now, f"{prefix}{key}.")
        elif was != is_now:
            yield f"{prefix}{key}", was, is_now


class LogFile:
    """Everything that vidcore logs while it is entered goes to a file, with times."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> LogFile:
        try:
            self._handler = _QuietHandler(self.path, encoding="utf-8")
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written: {error}; choose another folder with --runs") from error
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
        logger = logging.getLogger("vidcore")
        self._level = logger.level
        logger.setLevel(min(logging.INFO, logger.level or logging.INFO))
        logger.addHandler(self._handler)
        return self

    def __exit__(self, *error: object) -> None:
        logger = logging.getLogger("vidcore")
        logger.removeHandler(self._handler)
        logger.setLevel(self._level)
        self._handler.close()


class _QuietHandler(logging.FileHandler):
    """A full disk is told once, by what must be written; the log stays silent about itself."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        pass

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _numbered(folder: Path, number: int) -> Path:
    return folder.with_name(f"{folder.name}-old-{number}")


def _epochs(table: dict[str, Any]) -> int:
    return int(table.get("engine", {}).get("epochs", 0))


def _show(value: Any) -> str:
    return "absent" if value is None else json.dumps(value, default=str)
