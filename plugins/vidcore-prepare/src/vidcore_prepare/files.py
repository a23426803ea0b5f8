"""From a folder of videos to items: which files, and where what is made of each will lie."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from vidcore.errors import DataError
from vidcore_prepare.engine import Item
from vidcore_videos.config import VIDEO_SUFFIXES

SOUND_SUFFIXES = (*VIDEO_SUFFIXES, ".wav", ".mp3", ".flac", ".m4a", ".aac", ".ogg", ".opus")


def find_files(source: Path, suffixes: Sequence[str] = VIDEO_SUFFIXES) -> list[Path]:
    """The file itself, or every file of these suffixes in a folder and the folders in it, sorted; hidden ones are none.

    Raises:
        DataError: There is none, or a folder cannot be listed.
    """
    if source.is_file():
        return [source]

    def fail(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be listed: {error.strerror}")

    found = []
    for place, folders, names in os.walk(source, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(place) / name for name in names if not name.startswith(".")]
    files = sorted(path for path in found if path.suffix.lower() in suffixes)
    if not files:
        raise DataError(f"no file in {source} ends with {', '.join(suffixes)}")
    return files


def items_of(source: Path, target: Path, suffix: str, suffixes: Sequence[str] = VIDEO_SUFFIXES) -> list[Item]:
    """An item for each file of a folder: names and folders stay, the suffix becomes another one, or none.

    Raises:
        DataError: There is no such file, or `target` is `source`.
    """
    if target.resolve() == source.resolve():
        raise DataError(f"{target} is where the originals lie; write into another folder")
    base = source.parent if source.is_file() else source
    inside = target.resolve()
    files = [path for path in find_files(source, suffixes) if inside not in path.resolve().parents]
    return [
        Item(name=str(inner), output=(target / inner).with_suffix(suffix), source=path)
        for path in files
        for inner in [path.relative_to(base)]
    ]


def folders_of_pictures(source: Path, template: str) -> list[Path]:
    """Every folder, at any depth, with a picture whose name begins and ends as the template does, sorted.

    Raises:
        DataError: There is none.
    """
    begin, end = template.partition("{")[0], template.rpartition("}")[2]
    found = []
    for place, folders, names in os.walk(source):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if any(name.startswith(begin) and name.endswith(end) for name in names):
            found.append(Path(place))
    if not found:
        raise DataError(f"no folder in {source} has pictures called like {template}; say how with --template")
    return sorted(found)
