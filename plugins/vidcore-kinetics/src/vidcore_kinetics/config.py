"""Options of the Kinetics data sets. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from attrs import field, frozen
from attrs.validators import min_len

from vidcore.config import DatasetConfig, Facts
from vidcore.data.clip_shape import clip_shape
from vidcore_kinetics.class_names import class_names
from vidcore_videos.config import VIDEO_SUFFIXES


@frozen(kw_only=True)
class Kinetics(DatasetConfig):
    """One split of a Kinetics edition: ten-second videos of human actions, each of one class."""

    edition: Literal[400, 600, 700, 710] = 400  # number of classes
    # below data.root: the official CSV (label,youtube_id,time_start,time_end,split), or `path label` a line
    list: str = field(validator=min_len(1))
    folder: str = ""  # of the videos, below data.root; in it they lie as they are, or in a folder for each class
    missing: Literal["skip", "fail"] = "skip"  # videos that are not on the disk: left out and counted, or an error
    suffixes: tuple[str, ...] = field(default=VIDEO_SUFFIXES, validator=min_len(1))  # of files that the CSV may mean

    def facts(self, root: Path) -> Facts:
        """Classes of the edition and the shape of a clip; known without the data."""
        classes = class_names(self.edition)
        return Facts(classes=classes, num_classes=len(classes), inputs={"video": clip_shape(self)})
