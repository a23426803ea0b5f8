"""Where a run stands: going, finished, stopped or failed; read from its lock, its result and its log."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from attrs import frozen

from vidcore.engine.run_folder import RunFolder

_LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ (?P<level>[A-Z]+) +(?P<text>.*)$")
_BEGINNING = re.compile(r": (begins|goes on) after step \d+ of \d+")
_STOPPED = re.compile(r"^(stopped by .*); saved$")
_FAILED = re.compile(r"^the run ends (after step \d+: .*)$", re.DOTALL)
_BAD_VIDEO = re.compile(r"^(?P<name>\S.*?) (?P<action>replaced|left out): (?P<why>.*)$")


class State(Enum):
    """Where a run stands."""

    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"  # by a signal; the same command goes on
    FAILED = "failed"
    KILLED = "killed"  # it left without a word


@frozen
class Ending:
    """Where a run stands, and in words how it came to that."""

    state: State
    text: str


@frozen
class BadVideo:
    """A video that could not be read."""

    name: str
    action: str  # "replaced" in training, "left out" of figures
    why: str


def read_ending(folder: Path, result: Mapping[str, Any]) -> Ending:
    """How a run ended, if it has.

    Args:
        folder: Of the run.
        result: Its result.json; empty where there is none.
    """
    if owner := lock_owner(folder / ".lock"):
        return Ending(State.RUNNING, f"in use by process {owner}")
    if result:
        early = result.get("ended_early")
        return Ending(State.FINISHED, f"after {result.get('steps')} steps" + (f", early: {early}" if early else ""))
    for level, text in reversed(list(log_lines(folder))):
        if found := _STOPPED.match(text):
            return Ending(State.STOPPED, found[1])
        if level == "ERROR" and (found := _FAILED.match(text)):
            return Ending(State.FAILED, found[1])
        if _BEGINNING.search(text):
            break
    else:
        return Ending(State.FAILED, "before the first step")
    return Ending(State.KILLED, "without a word: killed, or the machine went down")


def bad_videos(folder: Path) -> list[BadVideo]:
    """Videos that the log names as unreadable, each once."""
    found: dict[str, BadVideo] = {}
    for level, text in log_lines(folder):
        if level == "WARNING" and (match := _BAD_VIDEO.match(text.partition("\n")[0])):
            found.setdefault(match["name"], BadVideo(match["name"], match["action"], match["why"]))
    return list(found.values())


def log_lines(folder: Path) -> Iterator[tuple[str, str]]:
    """(level, text) of what log.txt says; lines without a time belong to the one before."""
    try:
        lines = RunFolder(folder).log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    level, text = "", ""
    for line in lines:
        if match := _LINE.match(line):
            if level:
                yield level, text
            level, text = match["level"], match["text"]
        else:
            text += f"\n{line}"
    if level:
        yield level, text


def lock_owner(path: Path) -> int:
    """The process that has the lock of a run folder, 0 where none on this machine has. Takes no lock itself."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return 0
    order, place = ("qqihh", 2) if sys.platform == "darwin" else ("hhqqi", 4)  # struct flock
    wanted = (0, 0, 0, fcntl.F_WRLCK, 0) if sys.platform == "darwin" else (fcntl.F_WRLCK, 0, 0, 0, 0)
    try:
        found = struct.unpack(order, fcntl.fcntl(descriptor, fcntl.F_GETLK, struct.pack(order, *wanted)))
    except OSError:  # a file system without locks
        return 0
    finally:
        os.close(descriptor)
    kind = found[3] if sys.platform == "darwin" else found[0]
    return 0 if kind == fcntl.F_UNLCK else int(found[place])
