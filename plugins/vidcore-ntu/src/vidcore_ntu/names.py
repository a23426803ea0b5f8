"""What the name of a sequence of NTU RGB+D tells, and which split it belongs to. Imports neither torch nor numpy.

Source: Shahroudy et al., CVPR 2016 (60 actions); Liu et al., TPAMI 2019 (120 actions).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from attrs import frozen

_NAME = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})")
_TRAIN_PERSONS = {
    *(1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38),  # all that 60 actions have
    *(45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85, 86, 89),
    *(91, 92, 93, 94, 95, 97, 98, 100, 103),
}
_TRAIN_CAMERAS = (2, 3)
_LAST_SETUP = {60: 17, 120: 32}
SEQUENCES = {60: 56_880, 120: 114_480}  # recorded, with those of which skeletons are missing


@frozen(order=True)
class SequenceName:
    """`SsssCcccPpppRrrrAaaa`: setup, camera, person, repetition, action, all from 1."""

    setup: int
    camera: int
    person: int
    repetition: int
    action: int

    @classmethod
    def parse(cls, text: str) -> SequenceName | None:
        """The name, or None where it is none."""
        match = _NAME.fullmatch(text)
        return cls(*map(int, match.groups())) if match else None

    def belongs_to(self, edition: int) -> bool:
        """Whether the edition of 60 or of 120 actions has it."""
        return 1 <= self.action <= edition and 1 <= self.setup <= _LAST_SETUP[edition]

    def splits(self, edition: int) -> tuple[str, str]:
        """Its part of the two evaluations of an edition: of people, and of cameras (60) or setups (120).

        Example: S001C001P001R001A001 of 60 actions is in xsub_train and xview_val.
        """
        people = "train" if self.person in _TRAIN_PERSONS else "val"
        if edition == 60:
            return f"xsub_{people}", f"xview_{'train' if self.camera in _TRAIN_CAMERAS else 'val'}"
        return f"xsub_{people}", f"xset_{'train' if self.setup % 2 == 0 else 'val'}"


def split_names(edition: int) -> tuple[str, ...]:
    """The splits of an edition."""
    second = "xview" if edition == 60 else "xset"
    return "xsub_train", "xsub_val", f"{second}_train", f"{second}_val"


def splits_of(names: Iterable[str], edition: int) -> dict[str, list[str]]:
    """Split -> the names that belong to it, in the order given. Names must be right."""
    splits: dict[str, list[str]] = {name: [] for name in split_names(edition)}
    for text in names:
        name = SequenceName.parse(text)
        assert name is not None
        for split in name.splits(edition):
            splits[split].append(text)
    return splits


@cache
def missing_names() -> frozenset[str]:
    """Sequences whose skeletons are missing or incomplete, as their authors list them."""
    return frozenset((files("vidcore_ntu") / "missing.txt").read_text(encoding="utf-8").split())
