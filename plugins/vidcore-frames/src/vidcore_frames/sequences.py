"""Frames among the files of a store, in order and without a gap."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from attrs import frozen

from vidcore.errors import DataError
from vidcore_frames.templates import Template


@frozen
class Sequence:
    """The files of a video, first frame first."""

    folder: str  # in the archive that the files lie in, with a slash at its end; "" for none
    template: Template
    first: int  # number of the first file
    count: int

    def file(self, frame: int) -> str:
        """The file of a frame, which is counted from 0 whatever the number of the first file."""
        return self.folder + self.template.name(self.first + frame)


def find_sequence(names: Iterable[str], template: Template, where: str) -> Sequence:
    """The frames that a template names.

    Raises:
        DataError: There is none, one is missing, or they lie in several folders of an archive.
    """
    found: dict[str, list[int]] = {}
    others = list[str]()
    for name in names:
        folder, slash, file = name.rpartition("/")
        number = template.number(file)
        if number is None:
            others.append(name)
        else:
            found.setdefault(folder + slash, []).append(number)
    if not found:
        raise DataError(f"{where}: {_nothing(template, others)}")
    if len(found) > 1:
        some = ", ".join(repr(folder) for folder in sorted(found)[:3])
        raise DataError(f"{where}: has frames in {len(found)} folders ({some}); make one archive a video.")
    ((folder, numbers),) = found.items()
    numbers.sort()
    first, last = numbers[0], numbers[-1]
    if last - first + 1 != len(numbers):
        _refuse_gap(numbers, template, where)
    return Sequence(folder, template, first, len(numbers))


def _refuse_gap(numbers: list[int], template: Template, where: str) -> None:
    there = set(numbers)
    if len(there) < len(numbers):
        twice = next(number for number, after in itertools.pairwise(numbers) if number == after)
        raise DataError(f"{where}: has {template.name(twice)} twice. Make the archive again.")
    first, last = numbers[0], numbers[-1]
    missing = next(number for number in range(first, last) if number not in there)
    raise DataError(
        f"{where}: {template.name(missing)} is missing, one of {last - first + 1 - len(numbers)} between "
        f"{template.name(first)} and {template.name(last)}. Extract the video again, or remove it from the list."
    )


def _nothing(template: Template, others: list[str]) -> str:
    looked_for = f"has no file such as {template.name(1)}"
    if not others:
        return f"{looked_for}; it is empty. Extract the video again, or remove it from the list."
    return (
        f"{looked_for}, but {len(others)} others such as {min(others)}. "
        "Set data.decoder.template to how they are named."
    )
