"""Which videos are for training and which for testing: class folders shared out, and official splits.

Each reader gives rows by split; paths are relative to the folder of the videos.
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import field, frozen

from vidcore.errors import DataError
from vidcore_videos.class_lists import read_text

SPLIT_FOLDERS = ("train", "val", "test")


@frozen
class Row:
    """A video and its class."""

    path: str  # below the folder of the videos
    label: int


@frozen
class Splits:
    """Rows by split, and the names of the classes."""

    classes: tuple[str, ...]
    rows: dict[str, list[Row]] = field(factory=dict)


@frozen(kw_only=True)
class Shares:
    """How class folders are shared out, each class for itself."""

    val: float = 0.2
    test: float = 0.0
    seed: int = 0


def from_class_folders(paths: Sequence[str], shares: Shares) -> Splits:
    """The first folder of a path is its class; of train/, val/ and test/ folders the second is.

    Raises:
        DataError: A video lies in no folder.
    """
    flat = [path for path in paths if "/" not in path]
    if flat:
        raise DataError(f"{flat[0]} lies in no folder of a class; make a folder for each class, or name --official")
    if {path.partition("/")[0] for path in paths} <= set(SPLIT_FOLDERS):
        return _from_split_folders(paths)
    classes = tuple(sorted({path.partition("/")[0] for path in paths}))
    by_class = defaultdict(list)
    for path in sorted(paths):
        by_class[path.partition("/")[0]].append(path)
    rows: dict[str, list[Row]] = {name: [] for name in SPLIT_FOLDERS}
    for label, name in enumerate(classes):
        random.Random(f"{shares.seed} {name}").shuffle(by_class[name])  # a new class leaves the others as they are
        for split, part in _shared(by_class[name], shares).items():
            rows[split] += [Row(path, label) for path in part]
    return Splits(classes, {split: found for split, found in rows.items() if found})


def _shared(paths: list[str], shares: Shares) -> dict[str, list[str]]:
    """At least one for each split that has a share, as long as one is left for training."""
    counts = {}
    left = len(paths)
    for split, share in (("val", shares.val), ("test", shares.test)):
        counts[split] = min(max(round(share * len(paths)), 1 if share else 0), left - 1)
        left -= counts[split]
    val, test = counts["val"], counts["test"]
    return {"val": paths[:val], "test": paths[val : val + test], "train": paths[val + test :]}


def _from_split_folders(paths: Sequence[str]) -> Splits:
    parts = [path.split("/") for path in paths]
    lost = [path for path, each in zip(paths, parts, strict=True) if len(each) < 3]
    if lost:
        raise DataError(f"{lost[0]} lies in no folder of a class")
    classes = tuple(sorted({each[1] for each in parts}))
    labels = {name: label for label, name in enumerate(classes)}
    rows: dict[str, list[Row]] = defaultdict(list)
    for path, each in zip(paths, parts, strict=True):
        rows[each[0]].append(Row(path, labels[each[1]]))
    return Splits(classes, dict(rows))


def from_ucf101(folder: Path, number: int) -> Splits:
    """trainlist01.txt (`class/video.avi label`), testlist01.txt and classInd.txt; the test list is called val."""
    classes = tuple(line.split(maxsplit=1)[1].strip() for line in _lines(_find(folder, "classInd.txt")))
    labels = {name: label for label, name in enumerate(classes)}
    rows = {}
    for split, name in (("train", f"trainlist{number:02}.txt"), ("val", f"testlist{number:02}.txt")):
        file = _find(folder, name)
        rows[split] = [_ucf_row(file, line.split()[0], labels) for line in _lines(file)]
    return Splits(classes, rows)


def _ucf_row(file: Path, path: str, labels: Mapping[str, int]) -> Row:
    name = path.partition("/")[0]
    if name not in labels:
        raise DataError(f"{file}: {path!r} is in no class of classInd.txt")
    return Row(path, labels[name])


def from_hmdb51(folder: Path, number: int) -> Splits:
    """CLASS_test_split1.txt with `video.avi 1` for training, 2 for testing, 0 for neither; testing is called val."""
    pattern = re.compile(rf"(.+)_test_split{number}\.txt")
    files = {match[1]: path for path in folder.rglob("*.txt") if (match := pattern.fullmatch(path.name))}
    if not files:
        raise DataError(f"{folder} has no file called like brush_hair_test_split{number}.txt")
    classes = tuple(sorted(files))
    rows: dict[str, list[Row]] = {"train": [], "val": []}
    for label, name in enumerate(classes):
        for line in _lines(files[name]):
            video, _, kind = line.rpartition(" ")
            if kind not in ("0", "1", "2"):
                raise DataError(f"{files[name]}: expected `video 0|1|2`, found {line!r}")
            if kind != "0":
                rows["train" if kind == "1" else "val"].append(Row(f"{name}/{video.strip()}", label))
    return Splits(classes, rows)


def from_ssv2(folder: Path, number: int) -> Splits:
    """Something-Something V2: train.json, validation.json, labels.json, under their official names or with prefix."""
    labels = _json(_find(folder, "*labels.json"))
    classes = tuple(sorted(labels, key=lambda name: int(labels[name])))
    rows = {}
    for split, name in (("train", "*train.json"), ("val", "*validation.json")):
        file = _find(folder, name)
        rows[split] = [Row(f"{entry['id']}.webm", _ssv2_label(file, entry, labels)) for entry in _json(file)]
    return Splits(classes, rows)


def _ssv2_label(file: Path, entry: Mapping[str, Any], labels: Mapping[str, Any]) -> int:
    name = entry["template"].replace("[", "").replace("]", "")
    if name not in labels:
        raise DataError(f"{file}: video {entry['id']} has the template {name!r}, which is no label")
    return int(labels[name])


def from_diving48(folder: Path, number: int) -> Splits:
    """Diving48_V2_train.json, Diving48_V2_test.json (called val) and Diving48_vocab.json."""
    classes = tuple("-".join(parts) for parts in _json(_find(folder, "*vocab.json")))
    rows = {}
    for split, name in (("train", "*train.json"), ("val", "*test.json")):
        rows[split] = [Row(f"{entry['vid_name']}.mp4", int(entry["label"])) for entry in _json(_find(folder, name))]
    return Splits(classes, rows)


OFFICIAL = {"ucf101": from_ucf101, "hmdb51": from_hmdb51, "ssv2": from_ssv2, "diving48": from_diving48}


def read_official(name: str, folder: Path, number: int) -> Splits:
    """An official split.

    Raises:
        DataError: A file is missing, or is not in the form that the data set has.
    """
    try:
        return OFFICIAL[name](folder, number)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise DataError(f"the files in {folder} are not in the form of {name}: {what}") from error


def _find(folder: Path, name: str) -> Path:
    found = sorted(folder.rglob(name))
    if not found:
        raise DataError(f"{folder} has no file {name.replace('*', '...')}; fetch the official splits into it")
    return found[0]


def _lines(file: Path) -> list[str]:
    return [line.strip() for line in read_text(file, "split").splitlines() if line.strip()]


def _json(file: Path) -> Any:
    try:
        return json.loads(read_text(file, "split"))
    except json.JSONDecodeError as error:
        raise DataError(f"{file}:{error.lineno}: not valid JSON: {error.msg}") from error
