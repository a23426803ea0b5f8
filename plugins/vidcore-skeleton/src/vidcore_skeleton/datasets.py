"""The data sets: skeletons of an annotation pickle, and skeletons in a file each.

Letters: V views (clips), M persons, T frames, J joints, C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from attrs import evolve, frozen
from numpy.typing import NDArray
from torch import Tensor

from vidcore.data.clips import DataContext, named
from vidcore.errors import DataError
from vidcore.interfaces import Finding
from vidcore.randomness import Purpose, generator
from vidcore.values import Sample, SampleRef
from vidcore.wording import counted
from vidcore_skeleton.annotations import read_table
from vidcore_skeleton.config import SkeletonData, SkeletonList, SkeletonPickle, SkeletonReader
from vidcore_skeleton.drawing import SkeletonLayer, layout_named
from vidcore_skeleton.files import read_skeleton
from vidcore_skeleton.skeletons import Skeleton, fill_persons, with_scores
from vidcore_skeleton.transforms import OfSampledFrames, PoseTransform
from vidcore_videos.class_lists import classes_of
from vidcore_videos.index_table import IndexTable
from vidcore_videos.lists import read_list


class Sequences(Protocol):
    """Where skeletons come from."""

    @property
    def num_labels(self) -> int:
        """One more than the highest label."""

    def __len__(self) -> int: ...

    def label(self, index: int) -> int: ...

    def where(self, index: int) -> str: ...

    def name(self, index: int) -> str:
        """What the sequence is called, without folder and ending."""

    def read(self, index: int) -> Skeleton:
        """Raises DataError when it cannot be used."""

    def findings(self) -> Iterator[Finding]: ...


@frozen(kw_only=True, eq=False)
class PoseFiles:
    """Skeletons in NumPy files that a list names."""

    table: IndexTable
    folder: Path

    @property
    def num_labels(self) -> int:
        return self.table.num_labels

    def __len__(self) -> int:
        return len(self.table)

    def label(self, index: int) -> int:
        return self.table.labels(index)[0]

    def where(self, index: int) -> str:
        return f"{self.folder / self.table.path(index)} ({self.table.where(index)})"

    def name(self, index: int) -> str:
        return Path(self.table.path(index)).stem

    def read(self, index: int) -> Skeleton:
        """The sequence at this index; one without persons' dimension is one person."""
        return read_skeleton(self.folder / self.table.path(index))

    def findings(self) -> Iterator[Finding]:
        yield from self.table.findings


class SkeletonDataset:
    """Skeletons with a class label each.

    Args:
        sequences: Where they come from.
        config: Persons, and how often an epoch goes through them.
        context: Transforms, sampling and views.
    """

    def __init__(self, sequences: Sequences, config: SkeletonData, context: DataContext) -> None:
        self._sequences, self._config, self.context = sequences, config, context
        names = classes_of(config.classes, context.root)
        self._classes = names or tuple(str(label) for label in range(sequences.num_labels))

    @property
    def classes(self) -> Sequence[str]:
        return self._classes

    def __len__(self) -> int:
        return len(self._sequences) * self._config.times

    def labels(self, index: int) -> list[int]:
        """The class of the sequence at this index."""
        return [self._sequences.label(index % len(self._sequences))]

    def where(self, index: int) -> str:
        """The file and what the sequence is called in it, for messages."""
        return self._sequences.where(index % len(self._sequences))

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        """The sample at `ref.index`, once for each repeat: `inputs["pose"]` is float32 `[V, M, T, J, C]`.

        Raises:
            DataError: The sequence cannot be used; the message names it.
        """
        return self._samples(self._usable(ref.index), ref, rng)

    def _usable(self, index: int) -> Skeleton:
        """The sequence at this index, of which its label and numbers are right."""
        index %= len(self._sequences)
        label = self._sequences.label(index)
        try:
            if not label < len(self._classes):
                raise DataError(f"label {label}, but the classes are 0 ... {len(self._classes) - 1}")
            return checked(self._sequences.read(index))
        except DataError as error:
            raise named(error, self.where(index)) from error

    def _samples(self, skeleton: Skeleton, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        index = ref.index % len(self._sequences)
        try:
            repeats = self.context.repeats if self.context.training else 1
            readings = [self._reading(skeleton, rng if self.context.training else None) for _ in range(repeats)]
        except DataError as error:
            raise named(error, self.where(index)) from error
        meta = {
            "path": self.where(index),
            "video": self._sequences.name(index),
            "num_frames": skeleton.num_frames,
            "merge": self.context.views.merge,
        }
        return [
            Sample(
                ref=evolve(ref, repeat=ref.repeat + repeat),
                inputs={"pose": pose.joints},
                target={"label": self._sequences.label(index)},
                meta=meta | pose.meta(),
            )
            for repeat, pose in enumerate(readings)
        ]

    def layer(self, index: int) -> SkeletonLayer:
        """The sequence at this index, to be seen.

        Raises:
            DataError: It cannot be read.
        """
        layout = layout_named(self._config.transforms.values())
        return SkeletonLayer(self._sequences.read(index % len(self._sequences)), layout)

    def check(self, deep: bool = False) -> Iterator[Finding]:
        """Odd rows, classes without a sequence; `deep` reads each sample once, and names those with nobody in them."""
        yield from self._sequences.findings()
        labels = {self._sequences.label(index) for index in range(len(self._sequences))}
        for index in range(len(self._sequences)) if deep else ():
            try:
                skeleton = self._usable(index)
                self._samples(skeleton, SampleRef("", 0, index), generator(0, Purpose.SAMPLE, index=index))
                if not skeleton.joints.any():
                    yield Finding("warning", self.where(index), "all joints are 0: nobody was found in the sequence")
            except DataError as error:
                yield Finding("error", self.where(index), str(error))
        if missing := [name for i, name in enumerate(self._classes) if i not in labels]:
            shown = ", ".join(map(repr, missing[:5])) + (", ..." if len(missing) > 5 else "")
            yield Finding(
                "warning", self.where(0), f"{counted(len(missing), 'class has', 'classes have')} no sequence: {shown}"
            )

    def _reading(self, skeleton: Skeleton, rng: np.random.Generator | None) -> Pose:
        return read_pose(skeleton, self.context, rng, self._config)


@frozen(kw_only=True, eq=False)
class Pose:
    """What a network sees of a sequence."""

    joints: Tensor  # float32 [V, M, T, J, C]
    frame_size: tuple[int, int] | None  # height, width that x and y are pixels of; None: they are no pixels

    def meta(self) -> dict[str, Any]:
        """What a task may want to know beside the numbers."""
        return {} if self.frame_size is None else {"frame_size": self.frame_size}


def read_pose(skeleton: Skeleton, context: DataContext, rng: np.random.Generator | None, config: SkeletonData) -> Pose:
    """What a network sees of a sequence. `rng`: transforms and sampling in the order in which they are done."""
    transforms = _pose_transforms(context.transforms)
    assert context.sampling is not None
    sample = partial(context.sampling.clips, rng=rng, num_clips=None if rng else context.views.clips)
    return views_of(skeleton, transforms, sample, rng, config)


def views_of(
    skeleton: Skeleton,
    transforms: Iterable[PoseTransform],
    sample: Callable[[int, float], NDArray[np.int64]],
    rng: np.random.Generator | None,
    config: SkeletonData | SkeletonReader,
) -> Pose:
    """Transformed, sampled (frames and their rate -> indices `[V, T]`), and with as many persons as configured."""
    waiting = list(transforms)
    while waiting and not isinstance(waiting[0], OfSampledFrames):
        skeleton = waiting.pop(0).apply(skeleton, rng)
    frames = sample(skeleton.num_frames, 0.0)
    skeleton = skeleton.at(frames.reshape(-1))
    for transform in waiting:
        skeleton = transform.apply(skeleton, rng)
    joints = fill_persons(with_scores(skeleton.joints, skeleton.scores), config.persons, config.fill)
    views = joints.reshape(len(joints), -1, frames.shape[1], *joints.shape[2:]).swapaxes(0, 1)
    return Pose(joints=torch.from_numpy(np.ascontiguousarray(views, np.float32)), frame_size=skeleton.image_size)


def checked(skeleton: Skeleton) -> Skeleton:
    """The same skeleton, which can be used.

    Raises:
        DataError: There is nobody in it, no frame, or a number that is none.
    """
    persons, frames, _, _ = skeleton.joints.shape
    if not persons or not frames:
        raise DataError(f"the sequence has {persons} persons and {frames} frames; take it out of the list")
    wrong = ~np.isfinite(skeleton.joints).all(axis=-1)
    if skeleton.scores is not None:
        wrong |= ~np.isfinite(skeleton.scores)
    if wrong.any():
        person, frame, joint = np.argwhere(wrong)[0].tolist()
        raise DataError(
            f"{int(wrong.sum())} joints are not finite, first person {person}, frame {frame}, joint {joint}: "
            "write 0 where a joint was not found"
        )
    return skeleton


def skeleton_pickle(config: SkeletonPickle, context: DataContext) -> SkeletonDataset:
    """The data set of kind `skeleton-pickle`.

    Raises:
        DataError: The file cannot be used, or has no such split.
    """
    return SkeletonDataset(read_table(context.root / config.annotations, config.split), config, context)


def skeleton_list(config: SkeletonList, context: DataContext) -> SkeletonDataset:
    """The data set of kind `skeleton-list`.

    Raises:
        DataError: With every problem of the list.
    """
    classes = classes_of(config.classes, context.root)
    table = read_list(context.root / config.list, separator=config.separator, classes=classes)
    return SkeletonDataset(PoseFiles(table=table, folder=context.root / config.folder), config, context)


def _pose_transforms(transforms: Mapping[str, object]) -> Iterator[PoseTransform]:
    for name, transform in transforms.items():
        if not isinstance(transform, PoseTransform):
            raise DataError(f"transform {name!r} is not one of skeletons")
        yield transform
