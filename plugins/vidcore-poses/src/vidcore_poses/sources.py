"""Which videos are looked at, and what the files of their poses are called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from attrs import frozen

from vidcore.errors import DataError
from vidcore_videos.class_lists import read_classes
from vidcore_videos.config import VIDEO_SUFFIXES
from vidcore_videos.lists import read_list

_LISTS = (".txt", ".csv", ".json")


@frozen
class Clip:
    """One video."""

    path: Path
    output: str  # below the folder of the results
    label: int | None = None


@frozen(kw_only=True)
class Source:
    """Videos that were named together."""

    name: str  # of the list that is made of them
    clips: tuple[Clip, ...]
    classes: tuple[str, ...] = ()  # where folders are classes


def read_sources(
    names: Sequence[Path], *, folder: Path | None = None, classes: Path | None = None, class_folders: bool = False
) -> list[Source]:
    """The videos that are meant by files, folders and lists of them.

    Args:
        names: Videos, folders, lists (`path label`; .txt, .csv, .json).
        folder: That paths of lists are relative to; None: the folder of each list.
        classes: Names of the classes, where lists use them.
        class_folders: The folders in a folder are classes.

    Raises:
        DataError: There is no such file, a list is wrong, or two videos would be written to one file.
    """
    if missing := [str(path) for path in names if not path.exists()]:
        raise DataError(f"no such file or folder: {', '.join(missing)}")
    sources = []
    if plain := [path for path in names if path.is_file() and path.suffix not in _LISTS]:
        sources.append(Source(name="videos", clips=tuple(Clip(path, f"{path.stem}.npz") for path in plain)))
    for path in names:
        if path.is_dir():
            sources.append(_of_folder(path, class_folders))
        elif path.suffix in _LISTS:
            sources.append(_of_list(path, folder or path.parent, classes))
    _check_outputs(sources)
    if len({source.name for source in sources}) < len(sources):
        raise DataError(f"two of {', '.join(source.name for source in sources)} have one name; run them one by one")
    if len(known := {source.classes for source in sources if source.classes}) > 1:
        told = "; ".join(f"{source.name}: {', '.join(source.classes)}" for source in sources if source.classes)
        raise DataError(f"these {len(known)} folders do not have the same classes: {told}")
    return sources


def _of_list(path: Path, folder: Path, classes: Path | None) -> Source:
    table = read_list(path, classes=read_classes(classes) if classes else None)
    clips = []
    for index in range(len(table)):
        name = PurePath(table.path(index))
        if name.is_absolute() or ".." in name.parts:
            raise DataError(f"{table.where(index)}: {name} lies outside {folder}; write paths below --folder")
        clips.append(Clip(folder / name, name.with_suffix(".npz").as_posix(), table.labels(index)[0]))
    return Source(name=path.stem, clips=tuple(clips))


def _of_folder(folder: Path, class_folders: bool) -> Source:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES)
    if not paths:
        raise DataError(f"there is no video in {folder}; known are {', '.join(VIDEO_SUFFIXES)}")
    name = folder.resolve().name
    below = [path.relative_to(folder) for path in paths]
    if not class_folders:
        return Source(name=name, clips=tuple(_clip(folder, name, path) for path in below))
    if loose := [str(path) for path in below if len(path.parts) < 2]:
        raise DataError(f"{folder}: {', '.join(loose[:5])} lies in no folder of a class")
    classes = tuple(sorted({path.parts[0] for path in below}))
    clips = tuple(_clip(folder, name, path, classes.index(path.parts[0])) for path in below)
    return Source(name=name, clips=clips, classes=classes)


def _clip(folder: Path, name: str, path: Path, label: int | None = None) -> Clip:
    return Clip(folder / path, (Path(name) / path).with_suffix(".npz").as_posix(), label)


def _check_outputs(sources: Sequence[Source]) -> None:
    seen: dict[str, Path] = {}
    for clip in all_clips(sources):
        first = seen.setdefault(clip.output, clip.path)
        if first.resolve() != clip.path.resolve():
            raise DataError(f"{first} and {clip.path} would both be written to {clip.output}; rename one")


def all_clips(sources: Sequence[Source]) -> Iterator[Clip]:
    """The videos of all of them."""
    for source in sources:
        yield from source.clips
