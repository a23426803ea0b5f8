"""Options of the shapes data set, and the names of its classes; `motions` says what they are. Imports no numpy."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, ge, le

from vidcore.config import DatasetConfig, Facts
from vidcore.data.clip_shape import clip_shape

NUM_CLASSES = 8
WAYS = (("left", "right"), ("up", "down"), ("counterclockwise", "clockwise"))  # backwards, forwards, of each loop
CLASSES: tuple[str, ...] = tuple("-".join(ways) for ways in itertools.product(*WAYS))


def _even(instance: object, attribute: object, value: int) -> None:
    if value % 2:
        raise ValueError(f"'size' must be even, as H.264 halves the size of its colours; got {value}")


@frozen(kw_only=True)
class Shapes(DatasetConfig):
    """Made videos of a shape that moves across, up or down, and turns: 30 frames each, in 8 classes.

    The files are written into the cache (`VIDCORE_CACHE`) when they are first used, as H.264.
    """

    split: Literal["train", "val"]
    num_videos: int = field(default=1920, validator=ge(NUM_CLASSES))  # classes take turns: 0, 1, ..., 7, 0, ...
    size: int = field(default=48, validator=and_(ge(16), le(1024), _even))  # height and width, pixels
    made_with_seed: int = field(default=0, validator=ge(0))  # other seed, other videos; not the seed of the run

    def facts(self, root: Path) -> Facts:
        """Eight classes; known without any file."""
        return Facts(classes=CLASSES, num_classes=NUM_CLASSES, inputs={"video": clip_shape(self)})


@frozen(kw_only=True)
class TimelineStage:
    """Made videos with several motions each and nothing between them, for temporal localization, as a stage."""

    num_train: int = field(default=160, validator=ge(1))
    num_val: int = field(default=48, validator=ge(1))
    num_motions: int = field(default=3, validator=ge(1))  # of each video; they take 30, 60 or 90 frames
    size: int = field(default=48, validator=and_(ge(16), le(1024), _even))  # height and width, pixels
    made_with_seed: int = field(default=0, validator=ge(0))  # other seed, other videos; not the seed of the run
