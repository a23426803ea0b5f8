"""The components of kind `sampling`: from a video's length to the frames of its clips.

Each has `clips(num_video_frames, fps, rng, num_clips) -> int64 [clips, frames]`. With `rng` frames are drawn as in
training; without one (None) the rule of testing holds, and `num_clips` (from `views.clips`) says how many it takes.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from vidcore.data import clip_sampling as rules
from vidcore.data import sampling_config as options
from vidcore.data.clip_sampling import Indices
from vidcore.errors import DataError


class Sampling(Protocol):
    """Chooses frames. Holds nothing but its options."""

    def clips(
        self, num_video_frames: int, fps: float, rng: np.random.Generator | None, num_clips: int | None = None
    ) -> Indices:
        """Frame numbers of each clip.

        Args:
            num_video_frames: Frames of the video, or of the part of it that the sample is.
            fps: Its frame rate; 0 where it is not known.
            rng: Generator of the sample in training; None in testing.
            num_clips: How many clips; None leaves it to the sampling.

        Returns:
            `[clips, frames]`, each from 0 to `num_video_frames - 1`.

        Raises:
            DataError: The video has no frame, or is too short for this sampling.
        """


class DenseSampling:
    """Clips of frames at a fixed step. Draws: the starts, then the jitter of every frame."""

    def __init__(self, config: options.Dense) -> None:
        self.config = config

    def clips(
        self, num_video_frames: int, fps: float, rng: np.random.Generator | None, num_clips: int | None = None
    ) -> Indices:
        """See `Sampling.clips`."""
        check_length(num_video_frames)
        config, count = self.config, num_clips or self.config.num_clips
        span_of = rules.clip_span if rng is None else rules.drawn_span
        span: float = span_of(config.num_frames, config.frame_interval)
        steps = np.arange(config.num_frames) * config.frame_interval
        if config.target_fps is not None:
            span = rules.span_at_fps(config.num_frames, config.frame_interval, fps, config.target_fps)
            steps = np.linspace(0, span - 1, config.num_frames).astype(np.int64)
        if rng is not None:
            starts = rules.random_starts(num_video_frames, span, count, rng, config.keep_tail)
            if config.jitter:
                steps = steps + rng.integers(0, config.frame_interval, (count, config.num_frames))
        elif config.num_frames == 1:
            halves = (0, 1) if config.twice else (0,)
            starts = np.concatenate([rules.segment_middles(num_video_frames, count, half, 2) for half in halves])
        else:
            round_down = config.target_fps is not None
            starts = rules.even_starts(num_video_frames, span, count, config.twice, round_down)
        return rules.frames_from(starts, steps, num_video_frames, config.out_of_bound)


def check_length(num_video_frames: int) -> None:
    """Refuse a video without frames.

    Raises:
        DataError: It has none.
    """
    if num_video_frames < 1:
        raise DataError(f"cannot sample from a video with {num_video_frames} frames")
