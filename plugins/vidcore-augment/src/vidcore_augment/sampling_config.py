"""Options of the samplings: which frames of a video make a clip."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge

from vidcore.data.sampling_config import OutOfBound, SamplingConfig


@frozen(kw_only=True)
class Segments(SamplingConfig):
    """One clip of frames spread over the whole video, one (or a few) from each of equal segments.

    Random within its segment in training, in the middle of it in testing (Wang et al., arXiv:1608.00859).
    """

    num_segments: int = field(default=8, validator=ge(1))
    frames_per_segment: int = field(default=1, validator=ge(1))  # neighbours from each segment, as stacked flow needs
    frame_interval: int = field(default=1, validator=ge(1))  # between the neighbours
    out_of_bound: OutOfBound = "loop"
    keep_tail: bool = False  # segments of fractional length, so that the last frames can be drawn too

    @property
    def clip_length(self) -> int:
        """Frames in one clip."""
        return self.num_segments * self.frames_per_segment


@frozen(kw_only=True)
class Window(SamplingConfig):
    """One clip of frames spread over a window that stands at a random place, as for 2D models trained densely.

    In testing the window stands at `views.clips` places, evenly from the first to the last.
    """

    num_segments: int = field(default=8, validator=ge(1))
    frames_per_segment: int = field(default=1, validator=ge(1))
    frame_interval: int = field(default=1, validator=ge(1))  # between the neighbours of a segment
    window: int = field(default=64, validator=ge(1))  # source frames
    num_positions: int = field(default=10, validator=ge(1))  # places in testing, where `views.clips` does not say
    out_of_bound: OutOfBound = "loop"
    last_start: bool = True  # False: the last place is never drawn, as in the training of published weights

    @property
    def clip_length(self) -> int:
        """Frames in one clip."""
        return self.num_segments * self.frames_per_segment


@frozen(kw_only=True)
class Uniform(SamplingConfig):
    """One frame from each of `num_frames` equal parts between the first and the last frame, ends included."""

    num_frames: int = field(default=8, validator=ge(1))
    num_clips: int = field(default=1, validator=ge(1))  # in testing `views.clips` counts instead

    @property
    def clip_length(self) -> int:
        """Frames in one clip."""
        return self.num_frames


@frozen(kw_only=True)
class Untrimmed(SamplingConfig):
    """Clips all along a long video, one around every `clip_interval`-th frame, the same in training and testing."""

    num_frames: int = field(default=1, validator=ge(1))
    frame_interval: int = field(default=1, validator=ge(1))  # source frames from one frame of a clip to the next
    clip_interval: int = field(default=16, validator=ge(1))  # source frames from one centre to the next

    @property
    def clip_length(self) -> int:
        """Frames in one clip."""
        return self.num_frames
