"""The data set: from a list and a folder of videos to samples. Many of the videos are gone from where they were."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from vidcore.data.clips import DataContext
from vidcore.errors import DataError
from vidcore.interfaces import Finding
from vidcore_kinetics.annotations import Clip, is_official, read_clips
from vidcore_kinetics.class_names import class_names, labels_by_name, plain
from vidcore_kinetics.config import Kinetics
from vidcore_videos.datasets import VideoDataset
from vidcore_videos.index_table import IndexTable, Row
from vidcore_videos.lists import read_list

log = logging.getLogger("vidcore.kinetics")


def kinetics(config: Kinetics, context: DataContext) -> VideoDataset:
    """The data set of kind `kinetics`.

    Raises:
        DataError: The list is wrong, the folder cannot be listed, none of the videos is there, or one is missing and
            `missing` is "fail".
    """
    file, folder = context.root / config.list, context.root / config.folder
    listed = _from_csv(config, file, folder) if is_official(file) else _from_list(config, file, folder)
    rows, findings = [], []
    for row in listed:
        if isinstance(row, Row):
            rows.append(row)
        else:
            findings.append(row)
    missing = [finding for finding in findings if finding.level == "error"]
    _tell_missing(config, file, folder, len(rows), missing)
    return VideoDataset(IndexTable.of(rows, file, findings), class_names(config.edition), folder, context)


def _from_csv(config: Kinetics, file: Path, folder: Path) -> Iterator[Row | Finding]:
    """A row for each clip whose file is there, a finding for each other one."""
    found = _find_files(folder, config.suffixes)
    labels = labels_by_name(config.edition)
    for clip in read_clips(file, config.edition):
        path = next((found[stem] for stem in clip.stems if stem in found), None)
        if path is None:
            yield _missing(f"{file}:{clip.number}", f"no file of clip {clip.stems[0]} below {folder}")
            continue
        in_folder = labels.get(plain(Path(path).parent.name), clip.label)
        if in_folder != clip.label:
            yield _contradiction(config, file, clip, path)
        yield Row(clip.number, path, (clip.label,))


def _from_list(config: Kinetics, file: Path, folder: Path) -> Iterator[Row | Finding]:
    """As `_from_csv`, for a list of paths and labels."""
    table = read_list(file, classes=class_names(config.edition))
    yield from table.findings
    for index in range(len(table)):
        path = table.path(index)
        if (folder / path).is_file():
            yield Row(int(table.numbers[index]), path, tuple(table.labels(index)))
        else:
            yield _missing(table.where(index), f"{folder / path} is not there")


def _find_files(folder: Path, suffixes: tuple[str, ...]) -> Mapping[str, str]:
    """Every video in a folder and the folders in it, relative to it, by name without suffix."""

    def fail(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be listed: {error.strerror}; check data.root and 'folder'")

    found: dict[str, str] = {}
    for place, _, names in os.walk(folder, onerror=fail):
        inside = Path(place).relative_to(folder)
        for name in sorted(names):
            stem, suffix = os.path.splitext(name)
            if suffix.lower() in suffixes:
                found.setdefault(stem, str(inside / name))
    return found


def _missing(where: str, text: str) -> Finding:
    return Finding("error", where, f"{text}; fetch it, or leave it out: it does not count")


def _contradiction(config: Kinetics, file: Path, clip: Clip, path: str) -> Finding:
    name = class_names(config.edition)[clip.label]
    return Finding("warning", f"{file}:{clip.number}", f"{path} lies in the folder of another class than {name!r}")


def _tell_missing(config: Kinetics, file: Path, folder: Path, there: int, missing: list[Finding]) -> None:
    if not missing:
        return
    total = there + len(missing)
    told = f"{len(missing):,} of {total:,} videos of {file} are not in {folder} ({len(missing) / total:.1%})"
    first = f"the first one: {missing[0].where}: {missing[0].text}"
    if there == 0:
        raise DataError(f"{told}; check data.root and 'folder'; {first}")
    if config.missing == "fail":
        raise DataError(f'{told}; fetch them, or set missing = "skip" to leave them out; {first}')
    log.warning("%s; they are left out. `vidcore data check` names them", told)
