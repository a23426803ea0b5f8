"""Options of the data set of videos with key points. Imports neither torch nor numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from attrs import evolve, field, frozen
from attrs.validators import ge, min_len

from vidcore.config import DatasetConfig, Facts
from vidcore.config.base import Views
from vidcore.config.slots import SamplingSlot
from vidcore.data.clip_shape import clip_shape
from vidcore.data.sampling_config import SamplingConfig
from vidcore_posec3d.transform_config import Compact
from vidcore_skeleton.config import known_classes
from vidcore_skeleton.layouts import Layout, known_layout, layout_of


@frozen(kw_only=True)
class VideoPose(DatasetConfig):
    """Videos with the key points in them, of one annotation file such as skeleton-pickle reads.

    `sampling` chooses frames of key points. `transforms` are those of videos; key points follow the frame, and their
    sides are swapped where it is mirrored.
    """

    annotations: str = field(validator=min_len(1))  # file below data.root
    split: str = ""  # its list of names in the file; "": all annotations
    folder: str = ""  # of the videos, below data.root
    suffix: str = ".avi"  # of a video's file, after the name (`frame_dir`) of its annotation
    video_sampling: SamplingSlot | None = None  # which frames of the video make a clip
    compact: Compact | None = None  # the frame is cut to the persons before the transforms; left out: it is not
    layout: str | Layout = field(default="coco", validator=known_layout)  # says which joints are left and right
    persons: int = field(default=2, validator=ge(1))  # further ones are left out
    fill: Literal["zeros", "repeat"] = "zeros"  # where there are fewer persons
    times: int = field(default=1, validator=ge(1))  # how often an epoch goes through the data, for short sets
    classes: str | tuple[str, ...] = ""  # file below data.root, or the names; "": labels are numbers

    def __attrs_post_init__(self) -> None:
        for name in ("sampling", "video_sampling"):
            if getattr(self, name) is None:
                raise ValueError(f"'{name}' is missing; give one such as uniform-draws")
        if self.views.crops != Views().crops:
            raise ValueError(f"views.crops is {self.views.crops}, but a clip and its key points have one crop")

    def facts(self, root: Path) -> Facts:
        """Classes from their list, and the shapes of a clip."""
        frames = self.sampling.clip_length if isinstance(self.sampling, SamplingConfig) else None
        pose = (self.persons, frames, layout_of(self.layout).joints, None)
        video = clip_shape(evolve(self, sampling=self.video_sampling))
        return Facts(classes=known_classes(self.classes, root), inputs={"video": video, "pose": pose})

    def is_there(self, root: Path) -> bool:
        """The file is."""
        return (root / self.annotations).exists()
