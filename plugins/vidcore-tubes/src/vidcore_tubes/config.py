"""Options of the data set. Imports neither torch nor numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, ge, le, min_len

from vidcore.config import DatasetConfig, Facts
from vidcore.data.clip_shape import clip_shape
from vidcore_videos.class_lists import classes_of
from vidcore_videos.config import VIDEO_SUFFIXES


@frozen(kw_only=True)
class Tubes(DatasetConfig):
    """Frames of videos in which persons are followed by boxes, from the annotation pickle of the field.

    `UCF101v2-GT.pkl`, `JHMDB-GT.pkl` and `multisports_GT.pkl` are dicts of `labels`, `train_videos`, `test_videos`,
    `nframes`, `resolution` and `gttubes`. They are read as data: nothing that they name is executed.
    """

    annotations: str = field(validator=min_len(1))  # the pickle, below data.root
    use: Literal["train", "test"] = "train"  # which of its lists of videos
    split: int = field(default=1, validator=ge(1))  # of several splits (JHMDB has three), counted from 1
    folder: str = ""  # of the videos, below data.root; they lie as the annotation names them, with an ending
    every: int = field(default=1, validator=ge(1))  # frames from one key frame to the next
    # frames that are key frames: those in which somebody is annotated, or all
    frames: Literal["annotated", "all"] = "annotated"
    # boxes of a person detector below data.root, a pickle or JSON of "video,frame" (from 1) -> x1, y1, x2, y2, score as
    # shares of the frame; "": the annotated boxes are looked at in testing too
    proposals: str = ""
    min_person_score: float = field(default=0.9, validator=and_(ge(0.0), le(1.0)))  # of proposals
    max_proposals: int = field(default=100, validator=ge(1))  # of a frame, the surest
    classes: str | tuple[str, ...] = ""  # file below data.root, or the names; "": those of the annotation
    bad_rows: Literal["skip", "fail"] = "fail"  # tubes that make no sense: left out and counted, or an error
    missing: Literal["skip", "fail"] = "skip"  # videos that are not on the disk: left out and counted, or an error
    suffixes: tuple[str, ...] = field(default=VIDEO_SUFFIXES, validator=min_len(1))

    def facts(self, root: Path) -> Facts:
        """The shape of a clip, and the classes where they are listed; those of a pickle are known when it is read."""
        listed = self.classes
        there = listed and (not isinstance(listed, str) or (root / listed).exists())
        return Facts(classes=classes_of(listed, root) if there else None, inputs={"video": clip_shape(self)})

    def is_there(self, root: Path) -> bool:
        """The annotation is."""
        return (root / self.annotations).exists()
