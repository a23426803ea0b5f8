"""What is wrong with the data of an experiment: what its data sets notice, what cannot be read, what splits share."""

from __future__ import annotations

import functools
import hashlib
import pickle
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

from attrs import frozen

from vidcore.config.experiment import Data
from vidcore.data.building import build_dataset
from vidcore.data.loader import where
from vidcore.errors import DataError
from vidcore.interfaces import Dataset, Finding
from vidcore.randomness import Purpose, generator
from vidcore.values import SampleRef
from vidcore_prepare.engine import Item, Outcome
from vidcore_prepare.processes import Processes
from vidcore_prepare.progress import Bar

_ROW = re.compile(r"\S.*:\d+: ")  # what is wrong with a row of a list begins so; a word on all of them does not
_ENDS = 65_536  # bytes at either end of a file that tell it from others of its size


@runtime_checkable
class HasFiles(Protocol):
    """A data set each of whose samples is of one file."""

    def path(self, index: int) -> Path: ...


def build_splits(data: Data, splits: Sequence[str]) -> tuple[dict[str, Dataset], list[Finding]]:
    """The data sets of splits, and what is wrong with those that cannot be used at all: wrong labels, a wrong root."""
    found: dict[str, Dataset] = {}
    problems = []
    for split in splits:
        try:
            found[split] = build_dataset(data, split)
        except DataError as error:
            lines = str(error).splitlines()
            rows = [line for line in lines if _ROW.match(line)]
            problems += [Finding("error", f"data.{split}", line) for line in rows or lines]
            problems += [Finding("warning", f"data.{split}", line) for line in lines if rows and line not in rows]
    return found, problems


def unreadable(dataset: Dataset, split: str, workers: int, known: frozenset[str], show: bool) -> Iterator[Finding]:
    """Read every sample once, as an epoch would. A process that is killed is an error of the sample that it held.

    Args:
        dataset: Goes to other processes where there are several workers.
        split: Before the progress bar.
        workers: Processes.
        known: `where` of samples that need not be read, since they are known to be bad.
        show: Whether there is a progress bar.
    """
    names = [where(dataset, index) for index in range(len(dataset))]
    items = [
        Item(name=str(index), output=Path(), source=index) for index, name in enumerate(names) if name not in known
    ]
    failed = 0
    with (
        tempfile.TemporaryDirectory(prefix="vidcore-check-") as place,
        Bar(f"reading data.{split}", len(items), show) as bar,
    ):
        file = Path(place) / "dataset"
        file.write_bytes(pickle.dumps(dataset))
        for done, outcome in enumerate(Processes(workers).map(partial(_read, file), items), start=1):
            if outcome.state == "failed":
                failed += 1
                yield Finding("error", names[int(outcome.name)], outcome.reason)
            bar.update(done, failed)


def _read(file: Path, item: Item) -> Outcome:
    """In a worker: read one sample."""
    index: int = item.source
    try:
        _opened(file).sample(SampleRef("", 0, index), generator(0, Purpose.SAMPLE, index=index))
    except DataError as error:
        return Outcome(item.name, "failed", reason=str(error))
    except Exception as error:  # a mistake in a data set's code; the other samples are still worth a look
        return Outcome(item.name, "failed", reason=f"{type(error).__name__}: {error}")
    return Outcome(item.name, "made")


@functools.cache
def _opened(file: Path) -> Dataset:
    dataset: Dataset = pickle.loads(file.read_bytes())
    return dataset


def shared(datasets: Mapping[str, Dataset]) -> Iterator[Finding]:
    """Files, and copies of files under other names, that training and another split have in common.

    An error where the file is one sample of either split; where it holds several, they may be other parts of it, and
    that is a warning. Data sets whose samples are no files are left out.
    """
    train: object = datasets.get("train")
    if not isinstance(train, HasFiles):
        return
    ours = _samples_of(train)
    for split in ("val", "test"):
        other: object = datasets.get(split)
        if isinstance(other, HasFiles):
            theirs = _samples_of(other)
            for path, twin in _twins(sorted(ours), sorted(theirs)):
                single = len(ours[path]) == len(theirs[twin]) == 1
                how = f"is in data.{split} too" if path == twin else f"has the same content as {twin} of data.{split}"
                text = (
                    f"{path} {how} ({where(datasets[split], theirs[twin][0])}); figures would be of what was trained on"
                )
                yield Finding("error" if single else "warning", where(datasets["train"], ours[path][0]), text)


def _samples_of(dataset: HasFiles) -> dict[Path, list[int]]:
    found = defaultdict[Path, list[int]](list)
    for index in range(len(dataset)):  # type: ignore[arg-type]
        found[dataset.path(index)].append(index)
    return dict(found)


def _twins(ours: Sequence[Path], theirs: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    """Pairs of the same file, or of files with the same content."""
    same = set(theirs)
    yield from ((path, path) for path in ours if path in same)
    by_size = defaultdict[int, list[Path]](list)
    for path in theirs:
        by_size[_size(path)].append(path)
    for path in ours:
        if path in same or not (candidates := by_size.get(_size(path), [])) or not _size(path):
            continue
        yield from ((path, twin) for twin in candidates if _digest(path) == _digest(twin))


@functools.cache
def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


@functools.lru_cache(maxsize=65_536)
def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        begin = file.read(_ENDS)
        file.seek(max(_size(path) - _ENDS, 0))
        return hashlib.blake2b(begin + file.read()).digest()


def other_classes(datasets: Mapping[str, Dataset]) -> Iterator[Finding]:
    """Splits whose classes are not those of the first one. Classes without names are only counted."""
    (first, own), *others = [(split, tuple(dataset.classes)) for split, dataset in datasets.items()]
    for split, classes in others:
        text = ""
        if len(classes) > len(own) or (len(classes) < len(own) and not _numbers(classes)):
            text = f"{len(classes)} classes, data.{first} has {len(own)}"
        elif not (_numbers(own) or _numbers(classes)):
            odd = ((i, a, b) for i, (a, b) in enumerate(zip(own, classes, strict=True)) if a != b)
            text = next((f"class {i} is {b!r}, in data.{first} it is {a!r}" for i, a, b in odd), "")
        if text:
            yield Finding("error", f"data.{split}", f"{text}; give both the same list of classes")


def _numbers(classes: Sequence[str]) -> bool:
    """Whether they are what a data set calls classes whose names it was not told."""
    return tuple(classes) == tuple(map(str, range(len(classes))))


@frozen
class Row:
    """Where a sample is listed."""

    file: Path
    number: int  # line of a text file, entry of a JSON file

    @classmethod
    def of(cls, told: str) -> Row | None:
        """Of `file:3`, or of `video (file:3)`; None where a text is neither."""
        place = told.rpartition("(")[2].removesuffix(")") if told.endswith(")") else told
        file, _, number = place.rpartition(":")
        return cls(Path(file), int(number)) if file and number.isdecimal() else None
