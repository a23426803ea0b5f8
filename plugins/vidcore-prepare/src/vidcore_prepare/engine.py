"""`run`: a function over many items, in parallel, that can be killed at any moment and run again.

    from vidcore_prepare.engine import Item, run

    def shout(item: Item, unfinished: Path) -> None:
        unfinished.write_text(item.source.read_text().upper())

    report = run([Item(name="a", output=out / "a.txt", source=Path("a.txt"))], shout, out, workers=4)

An output has its name if and only if it is whole: a function writes to another name inside `.vidcore` of the same
folder, and the engine renames. So what is there is not made again, and what a killed run left behind has no name that
anybody reads; the next run removes it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from attrs import frozen

from vidcore.errors import ConfigError, DataError, RunError, VidcoreError
from vidcore.whole_files import written_whole
from vidcore_prepare.items import Counts, Item, Outcome, Pool, Report, Work, killed
from vidcore_prepare.processes import Processes
from vidcore_prepare.progress import Bar
from vidcore_prepare.workshop import claimed, remove

__all__ = ["Counts", "Item", "Outcome", "Part", "Pool", "Report", "Work", "killed", "run", "write_whole"]

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@frozen
class Part:
    """Every n-th item, for several machines: `2/5` is items 2, 7, 12, ... of all."""

    which: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Part:
        """Read `2/5`. Raises ConfigError."""
        which, _, count = text.partition("/")
        if not (which.isdecimal() and count.isdecimal() and 1 <= int(which) <= int(count)):
            raise ConfigError(f"--part {text!r} is not of the form 2/5, which is the second of five parts")
        return cls(int(which), int(count))

    def of(self, items: Sequence[Item]) -> Sequence[Item]:
        """The items of this part."""
        return items[self.which - 1 :: self.count]

    @property
    def label(self) -> str:
        """For names of files."""
        return f"{self.which}-of-{self.count}"


def run(
    items: Sequence[Item],
    work: Work,
    folder: Path,
    *,
    workers: int = 1,
    part: Part | None = None,
    pool: Pool | None = None,
    title: str = "preparing",
    show: bool = False,
) -> Report:
    """Make every item of a part that is not there yet.

    Args:
        items: What to make; the same sequence at each run, so that parts stay the same.
        work: Makes one of them. With several workers it pickles: a function of a module, or an object of a class.
        folder: Holds all outputs, and `.vidcore` with what is unfinished.
        workers: Processes; 1 works in this one.
        part: Which of the items; None for all.
        pool: Where the work is done instead of in `workers` processes.
        title: Before the progress bar.
        show: Whether there is a progress bar, on the error stream.

    Returns:
        Counts and failures, which also stand in `failed.txt` of the folder.

    Raises:
        DataError: Two items have the same name or output, or an output is not in the folder.
        RunError: The disk is full, or another process is making the same part of the same folder.
    """
    part = part or Part()
    _refuse_doubles(items, folder)
    mine = part.of(items)
    report, begin = Report(folder), time.monotonic()
    with claimed(folder, part.label) as scratch, Bar(title, len(mine), show) as bar:
        todo = [item for item in mine if not item.output.exists()]
        report.there = len(mine) - len(todo)
        bar.update(report.there, 0)
        for outcome in (pool or Processes(workers)).map(partial(_attempt, work, scratch), todo):
            if outcome.state == "no room":
                raise RunError(f"{folder}: {outcome.reason}; free some room and run the same again, it goes on")
            report.add(outcome)
            bar.update(report.total, len(report.failed))
    report.seconds = time.monotonic() - begin
    report.failures_file = _list_failures(folder, part, report.failed)
    return report


def _attempt(work: Work, scratch: Path, item: Item) -> Outcome:
    """Make one item; in a worker. Whatever a work raises is a failure of its item, and the others go on."""
    if item.output.exists():  # another machine may have made it meanwhile
        return Outcome(item.name, "there")
    unfinished = scratch / (hashlib.sha256(item.name.encode()).hexdigest()[:24] + item.output.suffix)
    remove(unfinished)  # of a process of this run that was killed
    try:
        counts = work(item, unfinished)
        item.output.parent.mkdir(parents=True, exist_ok=True)
        os.replace(unfinished, item.output)
    except Exception as error:
        remove(unfinished)
        if _for_want_of_room(error):
            return Outcome(item.name, "no room", reason="no room is left")
        known = isinstance(error, VidcoreError)
        return Outcome(item.name, "failed", reason=str(error) if known else f"{type(error).__name__}: {error}")
    return Outcome(item.name, "made", counts or {})


def _for_want_of_room(error: BaseException | None) -> bool:
    """Whether a full disk is behind an error, which a work may have taken for one of its input."""
    full = isinstance(error, OSError) and error.errno in _NO_ROOM
    return full or (error is not None and _for_want_of_room(error.__cause__))


def _refuse_doubles(items: Sequence[Item], folder: Path) -> None:
    names, outputs = set[str](), dict[Path, str]()
    for item in items:
        if item.output in outputs:
            raise DataError(
                f"{item.name} and {outputs[item.output]} would both be written to {item.output}; rename one"
            )
        if item.name in names:
            raise DataError(f"two items are called {item.name}")
        if not item.output.is_relative_to(folder):
            raise DataError(f"{item.name} would be written to {item.output}, which is not in {folder}")
        names.add(item.name)
        outputs[item.output] = item.name


def _list_failures(folder: Path, part: Part, failed: Mapping[str, str]) -> Path | None:
    """Write failed.txt, or remove that of the last run."""
    file = folder / ("failed.txt" if part == Part() else f"failed-{part.label}.txt")
    if not failed:
        file.unlink(missing_ok=True)
        return None
    lines = [f"{name}\t{' '.join(reason.split())}\n" for name, reason in sorted(failed.items())]
    write_whole(file, "".join(lines))
    return file


def write_whole(file: Path, text: str) -> None:
    """Write a text file, and its folder where there is none, so that nobody sees half of it.

    Raises:
        RunError: It cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(file) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"{file} cannot be written: {error.strerror}; free some room, or choose another place"
        ) from error
