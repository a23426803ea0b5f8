"""What is known of the published sets without their data: classes, splits, joints. Imports neither torch nor numpy."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from attrs import frozen

from vidcore_kinetics.class_names import class_names as kinetics_names


@frozen(kw_only=True)
class KnownSet:
    """One set."""

    classes: str  # file in `classes/`; "kinetics400": the names of vidcore-kinetics
    count: int  # the first so many names of it
    splits: tuple[str, ...] = ()  # of the published annotation file; (): not known
    layouts: tuple[str, ...] = ("coco",)  # of vidcore-skeleton, that its annotation files have


def _both(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}_{part}" for name in names for part in ("train", "val"))


def _official(*parts: str) -> tuple[str, ...]:
    return tuple(f"{part}{number}" for number in (1, 2, 3) for part in parts)


SETS = {
    "ntu60": KnownSet(classes="ntu", count=60, splits=_both("xsub", "xview"), layouts=("coco", "nturgb+d")),
    "ntu120": KnownSet(classes="ntu", count=120, splits=_both("xsub", "xset"), layouts=("coco", "nturgb+d")),
    "finegym": KnownSet(classes="finegym", count=99, splits=("train", "val")),
    "ucf101": KnownSet(classes="ucf101", count=101, splits=_official("train", "test")),
    "hmdb51": KnownSet(classes="hmdb51", count=51, splits=_official("train", "test")),
    "diving48": KnownSet(classes="diving48", count=48, splits=("train", "test")),
    "kinetics400": KnownSet(classes="kinetics400", count=400, splits=("train", "val"), layouts=("coco", "openpose")),
    "babel60": KnownSet(classes="babel", count=60, layouts=("nturgb+d",)),
    "babel120": KnownSet(classes="babel", count=120, layouts=("nturgb+d",)),
}


@cache
def class_names(name: str) -> tuple[str, ...]:
    """Names of the classes of a set, in the order of their labels."""
    known = SETS[name]
    if known.classes == "kinetics400":
        return kinetics_names(400)
    text = (files("vidcore_ntu") / "classes" / f"{known.classes}.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())[: known.count]
