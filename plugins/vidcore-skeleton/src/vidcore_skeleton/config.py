"""Options of the skeleton data sets. Imports neither torch nor numpy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from attrs import field, frozen
from attrs.validators import ge, min_len

from vidcore.config import DatasetConfig, Facts
from vidcore.config.base import Shape, Views
from vidcore.config.slots import SamplingSlot
from vidcore.data.sampling_config import SamplingConfig
from vidcore_skeleton.layouts import layout_of
from vidcore_skeleton.transform_config import Mirror, PoseTransformSlot, Streams
from vidcore_videos.class_lists import classes_of


@frozen(kw_only=True)
class SkeletonReader:
    """How a single sequence is read: what weights tell of the data set that they were measured on."""

    sampling: SamplingSlot | None = None  # of frames
    transforms: tuple[PoseTransformSlot, ...] = ()  # in order
    views: Views = field(factory=Views)
    persons: int = field(default=2, validator=ge(1))  # as in the data set
    fill: Literal["zeros", "repeat"] = "zeros"


@frozen(kw_only=True)
class SkeletonData(DatasetConfig):
    """What every skeleton data set has."""

    transforms: dict[str, PoseTransformSlot] = field(factory=dict)  # named, in order, before frames are sampled
    persons: int = field(default=2, validator=ge(1))  # that a network sees; further ones are left out
    fill: Literal["zeros", "repeat"] = "zeros"  # where there are fewer persons
    times: int = field(default=1, validator=ge(1))  # how often an epoch goes through the data, for short sets
    classes: str | tuple[str, ...] = ""  # file below data.root, or the names; "": labels are numbers

    def __attrs_post_init__(self) -> None:
        if self.sampling is None:
            raise ValueError("'sampling' is missing; give one such as uniform-draws")
        if self.views.crops != Views().crops:
            raise ValueError(f"views.crops is {self.views.crops}, but skeletons have no frame to crop; leave it out")

    def pose_shape(self) -> Shape:
        """Shape of one view, `(persons, frames, joints, channels)`, as far as options tell it."""
        frames = self.sampling.clip_length if isinstance(self.sampling, SamplingConfig) else None
        layouts = [layout_of(one.layout) for one in self.transforms.values() if isinstance(one, Streams | Mirror)]
        return self.persons, frames, layouts[-1].joints if layouts else None, None

    def facts(self, root: Path) -> Facts:
        """Classes from their list, and the shape of a clip."""
        return Facts(classes=known_classes(self.classes, root), inputs={"pose": self.pose_shape()})

    def sample_reader(self) -> SkeletonReader:
        """Reads `.npy` and `.npz` files."""
        return SkeletonReader(
            sampling=self.sampling,
            transforms=tuple(self.transforms.values()),
            views=self.views,
            persons=self.persons,
            fill=self.fill,
        )


@frozen(kw_only=True)
class SkeletonPickle(SkeletonData):
    """Skeletons of one annotation file of this field, `{"split": {...}, "annotations": [...]}`, or a plain list.

    Each annotation is a dict with `frame_dir`, `label`, `keypoint [M, T, V, C]`, and where they are known
    `keypoint_score [M, T, V]` and `img_shape`. The pickle is read as data: nothing that it names is executed.
    """

    annotations: str = field(validator=min_len(1))  # file below data.root
    split: str = ""  # its list of names in the file; "": all annotations

    def is_there(self, root: Path) -> bool:
        """The file is."""
        return (root / self.annotations).exists()


@frozen(kw_only=True)
class SkeletonList(SkeletonData):
    """Skeletons in a file each, named by a list (`path label`): `.npy`, `[T, V, C]` or `[M, T, V, C]`, or `.npz`."""

    list: str = field(validator=min_len(1))  # below data.root
    folder: str = ""  # that the paths of the list are relative to, below data.root
    separator: str = ""  # between the columns of the list; "": blanks

    def is_there(self, root: Path) -> bool:
        """The list is."""
        return (root / self.list).exists()


def known_classes(classes: str | Sequence[str], root: Path) -> tuple[str, ...] | None:
    """The classes, or None while the data is not there; a class list that is there and wrong is an error."""
    if isinstance(classes, str) and classes and not (root / classes).exists():
        return None
    return classes_of(classes, root)
