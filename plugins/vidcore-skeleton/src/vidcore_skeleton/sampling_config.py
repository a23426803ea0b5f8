"""Options of the samplings of skeleton sequences. Import neither torch nor numpy."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge

from vidcore.data.sampling_config import SamplingConfig


@frozen(kw_only=True)
class UniformDraws(SamplingConfig):
    """One frame drawn from each of `num_frames` equal parts, in testing as well, there always the same ones.

    A sequence shorter than the clip is read consecutively, from the start again at its end (Duan et al.,
    arXiv:2104.13586).
    """

    num_frames: int = field(default=100, validator=ge(1))
    num_clips: int = field(default=1, validator=ge(1))  # in testing `views.clips` counts instead
    test_seed: int = field(default=255, validator=ge(0))  # of what is drawn in testing, the same for every sequence

    @property
    def clip_length(self) -> int:
        """Frames in one clip."""
        return self.num_frames


@frozen(kw_only=True)
class EveryFrame(SamplingConfig):
    """The whole sequence, frame by frame. Sequences of a batch must be equally long: see `pad-frames`."""
