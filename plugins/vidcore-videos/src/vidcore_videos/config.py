"""Options of the data sets. Facts about them are told without torch and without opening a video."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import deep_iterable, matches_re, min_len, optional

from vidcore.config import DatasetConfig, Facts
from vidcore.data.clip_shape import clip_shape
from vidcore_videos.class_lists import classes_of

Column = Literal["path", "offset", "frames", "label"]
VIDEO_SUFFIXES = (".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp", ".ts")


@frozen(kw_only=True)
class VideoList(DatasetConfig):
    """Videos named by a list: text (`path label`), `.csv` with a header, or `.json`."""

    list: str = field(validator=min_len(1))  # below data.root
    folder: str = ""  # that the paths of the list are relative to, below data.root
    # in place of that of the paths in the list: "" for folders of frames or flow, or ".zip"; left out: as it is
    suffix: str | None = field(default=None, validator=optional(matches_re(r"(\.\S+)?")))
    # of a text file; "offset" and "frames" mark a part of the video
    columns: tuple[Column, ...] = field(default=("path", "label"))
    separator: str = ""  # between columns of a text file; "": blanks
    classes: str | tuple[str, ...] = ""  # file below data.root, or the names; "": labels are numbers
    multi_label: bool = False  # a video may have several labels, or none

    @columns.validator
    def _path_first_label_last(self, attribute: Any, value: tuple[str, ...]) -> None:
        if value[:1] != ("path",) or len(set(value)) < len(value) or "label" in value[:-1]:
            raise ValueError('\'columns\' starts with "path", ends with "label" where there is one, and repeats none')

    def facts(self, root: Path) -> Facts:
        """Classes from their file, and the shape of a clip."""
        return Facts(classes=_known_classes(self.classes, root), inputs={"video": clip_shape(self)})

    def is_there(self, root: Path) -> bool:
        """The list is."""
        return (root / self.list).exists()


@frozen(kw_only=True)
class ClassFolders(DatasetConfig):
    """A folder for each class, with its videos in it."""

    folder: str = ""  # that the folders of the classes are in, below data.root
    list: str = ""  # file below data.root with the videos that count, `class/video.mp4` a line; "": all
    classes: str | tuple[str, ...] = ""  # file below data.root, or the names, which fix the order; "": sorted folders
    suffixes: tuple[str, ...] = field(  # of files that are videos, in lower case
        default=VIDEO_SUFFIXES, validator=[min_len(1), deep_iterable(matches_re(r"\.\S+"))]
    )

    def facts(self, root: Path) -> Facts:
        """Classes from their file or the folders, and the shape of a clip."""
        classes = _known_classes(self.classes, root) or class_folders(root / self.folder) or None
        return Facts(classes=classes, inputs={"video": clip_shape(self)})

    def is_there(self, root: Path) -> bool:
        """The folder is."""
        return (root / self.folder).exists()


def class_folders(folder: Path) -> tuple[str, ...]:
    """Names of the folders in a folder, sorted; hidden ones do not count. Empty where it cannot be listed."""
    try:
        return tuple(sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name[0] != "."))
    except OSError:
        return ()


def _known_classes(classes: str | tuple[str, ...], root: Path) -> tuple[str, ...] | None:
    """The classes, or None while the data is not there; a class list that is there and wrong is an error."""
    if isinstance(classes, str) and classes and not (root / classes).exists():
        return None
    return classes_of(classes, root)
