"""Options of the components of kind `sampling`: which frames of a video make a clip."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import ge, gt, optional

OutOfBound = Literal["loop", "repeat-last"]


@frozen(kw_only=True)
class SamplingConfig:
    """What every sampling has: it tells how many frames a clip holds, so that a model can refuse early."""

    @property
    def clip_length(self) -> int | None:
        """Frames in one clip; None where that is not known before a video is seen."""
        return None


@frozen(kw_only=True)
class Dense(SamplingConfig):
    """Clips of frames at a fixed step.

    In training each of `num_clips` equal parts of the video gives a clip with a random start; in testing clips stand
    evenly from the first to the last possible start (a single one in the middle).
    """

    num_frames: int = field(default=32, validator=ge(1))
    frame_interval: int = field(default=2, validator=ge(1))  # source frames from one sampled frame to the next
    num_clips: int = field(default=1, validator=ge(1))  # in testing `views.clips` counts instead
    out_of_bound: OutOfBound = "loop"  # beyond the end: go on from the start, or repeat the clip's last frame
    target_fps: float | None = field(default=None, validator=optional(gt(0.0)))  # measure steps at this frame rate
    keep_tail: bool = False  # parts of fractional length, so that the last frames can be drawn too
    jitter: bool = False  # in training, move each frame by 0 ... frame_interval - 1 on its own
    twice: bool = False  # in testing, double the clips at the same spacing; those beyond the end go on from the start

    @property
    def clip_length(self) -> int:
        """Frames in one clip."""
        return self.num_frames
