"""Samplings of skeleton sequences: from a number of frames to the frames of clips."""

from __future__ import annotations

from typing import Any

import numpy as np

from vidcore.data.clip_sampling import Indices
from vidcore.data.sampling import check_length
from vidcore_skeleton import sampling_config as options


def drawn_frames(num_frames: int, clip_length: int, start: int, rng: Any) -> Indices:
    """One frame from each of `clip_length` equal parts of a sequence, `[clip_length]`.

    Shorter than the clip: consecutive frames from `start` on, round and round. Shorter than two clips: consecutive
    frames of which some are left out. Else: a draw from each part.

    Args:
        num_frames: Frames of the sequence, at least 1.
        clip_length: Frames wanted.
        start: First frame, where the sequence is shorter than the clip.
        rng: A generator of numpy, or its older `RandomState`; it draws once, or not at all where it is short.
    """
    if num_frames < clip_length:
        return np.arange(start, start + clip_length) % num_frames
    if num_frames < 2 * clip_length:
        skips = np.zeros(clip_length + 1, np.int64)
        skips[rng.choice(clip_length + 1, num_frames - clip_length, replace=False)] = 1
        return np.arange(clip_length) + np.cumsum(skips)[:-1]
    starts = np.arange(clip_length + 1) * num_frames // clip_length
    integers = rng.integers if isinstance(rng, np.random.Generator) else rng.randint
    frames: Indices = starts[:-1] + np.asarray(integers(0, np.diff(starts)), np.int64)
    return frames


class UniformDraws:
    """One frame from each of equal parts. Draws: the start of a short sequence, what is left out, or one a part."""

    def __init__(self, config: options.UniformDraws) -> None:
        self.config = config

    def clips(
        self, num_video_frames: int, fps: float, rng: np.random.Generator | None, num_clips: int | None = None
    ) -> Indices:
        """See `Sampling.clips`."""
        check_length(num_video_frames)
        length, count = self.config.num_frames, num_clips or self.config.num_clips
        if rng is not None:
            starts = [int(rng.integers(0, num_video_frames)) if num_video_frames < length else 0 for _ in range(count)]
            return np.stack([drawn_frames(num_video_frames, length, start, rng) for start in starts])
        # published figures were measured with draws of numpy's older generator
        fixed = np.random.RandomState(self.config.test_seed)
        starts = [i if num_video_frames < count else i * num_video_frames // count for i in range(count)]
        return np.stack([drawn_frames(num_video_frames, length, start, fixed) for start in starts])


class EveryFrame:
    """All frames in order, as often as clips are asked for. Draws nothing."""

    def __init__(self, config: options.EveryFrame) -> None:
        self.config = config

    def clips(
        self, num_video_frames: int, fps: float, rng: np.random.Generator | None, num_clips: int | None = None
    ) -> Indices:
        """See `Sampling.clips`."""
        check_length(num_video_frames)
        return np.tile(np.arange(num_video_frames), (num_clips or 1, 1))
