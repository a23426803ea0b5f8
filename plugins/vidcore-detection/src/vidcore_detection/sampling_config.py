"""Options of the sampling around a key frame."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge

from vidcore.data.sampling_config import SamplingConfig


@frozen(kw_only=True)
class KeyFrame(SamplingConfig):
    """One clip of frames at a fixed step around a key frame; those before the start or after the end repeat it.

    Data sets with key frames say which it is; of a video without one the middle is taken.
    """

    num_frames: int = field(default=32, validator=ge(1))
    frame_interval: int = field(default=2, validator=ge(1))  # source frames from one sampled frame to the next
    jitter: bool = True  # in training, move each frame on its own by up to half a step

    @property
    def clip_length(self) -> int:
        """Frames in one clip."""
        return self.num_frames
