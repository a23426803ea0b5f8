"""The data sets: videos named by a list, and videos in a folder for each class."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import evolve

from vidcore.config.places import is_local
from vidcore.data.clips import DataContext, Reading, named, read_clips
from vidcore.data.transforms import Relabelling
from vidcore.errors import DataError
from vidcore.interfaces import Finding
from vidcore.randomness import Purpose, generator
from vidcore.values import Sample, SampleRef
from vidcore.wording import counted
from vidcore_videos.class_lists import classes_of
from vidcore_videos.config import ClassFolders, VideoList, class_folders
from vidcore_videos.index_table import IndexTable, Row
from vidcore_videos.lists import read_list

_LOOKED_AT = 20  # videos whose existence is looked at before a run


class VideoDataset:
    """Videos with class labels. Where the rows come from is up to `video_list` and `class_folder_dataset`.

    Args:
        table: Rows: path, labels, part of the video.
        classes: Names of the classes.
        folder: That paths are relative to.
        context: What samples are read with.
        multi_label: Targets are `{"labels": float32 [K]}` instead of `{"label": int}`.
        labelled: Rows have labels; else targets are empty.
        suffix: What takes the place of the suffixes of the paths; None leaves them.
    """

    def __init__(
        self,
        table: IndexTable,
        classes: Sequence[str],
        folder: Path,
        context: DataContext,
        multi_label: bool = False,
        labelled: bool = True,
        suffix: str | None = None,
    ) -> None:
        self._table, self._folder, self._suffix, self.context = table, folder, suffix, context
        self._classes = tuple(classes)
        self._multi_label, self._labelled = multi_label, labelled
        self._refuse_wrong_root()

    @property
    def classes(self) -> Sequence[str]:
        return self._classes

    @property
    def transforms(self) -> dict[str, object]:
        """The transforms by name; the photometric ones among them are applied on the device."""
        return dict(self.context.transforms)

    def __len__(self) -> int:
        return len(self._table)

    def path(self, index: int) -> Path:
        """The video at this index."""
        path = self._folder / self._table.path(index)
        return path if self._suffix is None else path.with_suffix(self._suffix)

    def labels(self, index: int) -> list[int]:
        """The classes of the video at this index; empty where they are not known."""
        return self._table.labels(index)

    def where(self, index: int) -> str:
        """The video and where it is listed, for messages."""
        return f"{self.path(index)} ({self._table.where(index)})"

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        """The sample at `ref.index`, once for each repeat, from one decoding.

        Raises:
            DataError: The video cannot be used; the message names it.
        """
        path = self.path(ref.index)
        try:
            with self.context.decoder.open(path) as reader:
                readings = read_clips(reader, self.context, rng, self._table.part(ref.index))
                info = reader.info
        except DataError as error:
            raise named(error, path) from error
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
        meta = {
            "path": str(path),
            "fps": info.fps,
            "num_frames": info.num_frames,
            "size": (info.height, info.width),
            "merge": self.context.views.merge,
        }
        return [
            Sample(
                ref=evolve(ref, repeat=ref.repeat + repeat),
                inputs={"video": reading.video},
                target=self._target(ref.index, reading),
                meta={**meta, "frames": reading.frames.tolist()},
                draws=reading.draws,
            )
            for repeat, reading in enumerate(readings)
        ]

    def check(self, deep: bool = False) -> Iterator[Finding]:
        """Odd rows, missing, empty and unreadable files, classes without a video; `deep` reads each sample once."""
        yield from self._table.findings
        seen = np.zeros(len(self._classes), bool)
        for index in range(len(self)):
            seen[self._table.labels(index)] = True
            finding = self._file_problem(index) or (self._deep_problem(index) if deep else None)
            if finding:
                yield finding
        if self._labelled and not seen.all():
            missing = [name for name, there in zip(self._classes, seen, strict=True) if not there]
            shown = ", ".join(repr(name) for name in missing[:5]) + (", ..." if len(missing) > 5 else "")
            yield Finding(
                "warning",
                str(self._table.file),
                f"{counted(len(missing), 'class has', 'classes have')} no video: {shown}",
            )

    def _target(self, index: int, reading: Reading) -> dict[str, Any]:
        if not self._labelled:
            return {}
        labels = self._table.labels(index)
        for transform in self.context.transforms.values():
            if isinstance(transform, Relabelling) and self.context.training:
                labels = [transform.relabel(label, reading.geometry) for label in labels]
        if not self._multi_label:
            return {"label": labels[0]}
        target = torch.zeros(len(self._classes))
        target[labels] = 1.0
        return {"labels": target}

    def _file_problem(self, index: int) -> Finding | None:
        path, where = self.path(index), self._table.where(index)
        try:
            size = path.stat().st_size
        except OSError as error:
            return Finding("error", where, f"{path}: {error.strerror or error}; mend the list or data.root")
        if size == 0:
            return Finding("error", where, f"{path} is empty; fetch it again or take it out of the list")
        if is_local(path) and not os.access(path, os.R_OK):
            return Finding("error", where, f"{path} may not be read by this user; change its permissions")
        return None

    def _deep_problem(self, index: int) -> Finding | None:
        try:
            self.sample(SampleRef("", 0, index), generator(0, Purpose.SAMPLE, index=index))
        except DataError as error:
            return Finding("error", self._table.where(index), str(error))
        return None

    def _refuse_wrong_root(self) -> None:
        """A wrong root makes every video missing; that is told at once, not video by video."""
        some = sorted({int(i) for i in np.linspace(0, len(self) - 1, _LOOKED_AT)})
        if not any(self.path(index).exists() for index in some):
            raise DataError(
                f"none of {len(some)} videos that were looked for exists, such as {self.where(0)}; "
                f"check data.root ({self.context.root}) and the option 'folder'"
            )


def video_list(config: VideoList, context: DataContext) -> VideoDataset:
    """The data set of kind `video-list`.

    Raises:
        DataError: With every problem of the list, or when none of its videos is there.
    """
    classes = classes_of(config.classes, context.root)
    table = read_list(
        context.root / config.list,
        columns=config.columns,
        separator=config.separator,
        classes=classes,
        multi_label=config.multi_label,
    )
    if classes is None:
        classes = tuple(str(label) for label in range(table.num_labels))
    labelled, folder = "label" in config.columns, context.root / config.folder
    return VideoDataset(table, classes, folder, context, config.multi_label, labelled, config.suffix)


def class_folder_dataset(config: ClassFolders, context: DataContext) -> VideoDataset:
    """The data set of kind `class-folders`.

    Raises:
        DataError: The folder cannot be listed, holds no class or no video, or the list names what is not in it.
    """
    folder = context.root / config.folder
    classes = classes_of(config.classes, context.root) or _folders(folder)
    rows = list(
        _listed(context.root / config.list, folder, classes) if config.list else _found(folder, classes, config)
    )
    if not rows:
        suffixes = ", ".join(config.suffixes)
        raise DataError(f"{folder} has no video in the folders of its {len(classes)} classes; looked for {suffixes}")
    file = context.root / config.list if config.list else folder
    return VideoDataset(IndexTable.of(rows, file), classes, folder, context)


def _folders(folder: Path) -> tuple[str, ...]:
    try:
        next(folder.iterdir(), None)
    except OSError as error:
        raise DataError(f"{folder} cannot be listed: {error.strerror}; check data.root and 'folder'") from error
    names = class_folders(folder)
    if not names:
        raise DataError(f"{folder} has no folders; make one for each class, with its videos in it")
    return names


def _found(folder: Path, classes: Sequence[str], config: ClassFolders) -> Iterator[Row]:
    """Videos in the folders of the classes and below, sorted."""
    number = 0
    for label, name in enumerate(classes):
        for path in _files(folder / name):
            if path.suffix.lower() in config.suffixes:
                number += 1
                yield Row(number, str(path.relative_to(folder)), (label,))


def _files(folder: Path) -> Iterable[Path]:
    def fail(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be listed: {error.strerror}; mend its permissions or its name")

    if not is_local(folder):
        return sorted(folder.rglob("*"))
    return sorted(Path(place) / name for place, _, names in os.walk(folder, onerror=fail) for name in names)


def _listed(file: Path, folder: Path, classes: Sequence[str]) -> Iterator[Row]:
    """Videos that a list names as `class/video.mp4`; a label after it does not count."""
    labels = {name: label for label, name in enumerate(classes)}
    table = read_list(file, columns=("path",))
    unknown = []
    for index in range(len(table)):
        path = table.path(index)
        path = path if not path.rpartition(" ")[2].isdecimal() else path.rpartition(" ")[0]
        label = labels.get(path.partition("/")[0])
        if label is None:
            unknown.append(f"{table.where(index)}: {path!r} is not in the folder of a class of {folder}")
        else:
            yield Row(int(table.numbers[index]), path, (label,))
    if unknown:
        more = [f"... and {len(unknown) - 20} more problems of this file"] if len(unknown) > 20 else []
        raise DataError("\n".join(unknown[:20] + more))
