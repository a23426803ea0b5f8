"""Frames around a key frame: arithmetic on frame numbers, then the component."""

from __future__ import annotations

import numpy as np
from attrs import frozen

from vidcore.data.clip_sampling import Indices
from vidcore.data.sampling import check_length
from vidcore_detection import sampling_config as options


def frames_around(centre: int, num_frames: int, frame_interval: int) -> Indices:
    """Frames at a fixed step, half of them before `centre`, which is the first of the second half.

    Example: centre 60, 4 frames, step 16 -> 28, 44, 60, 76. They may lie outside the video.
    """
    first = centre - num_frames // 2 * frame_interval
    return first + np.arange(num_frames) * frame_interval


def jitter_range(frame_interval: int) -> tuple[int, int]:
    """Lowest and highest number of source frames that a frame is moved by in training, both included."""
    return -frame_interval // 2, (frame_interval + 1) // 2 - 1


class KeyFrameSampling:
    """Frames around a key frame. Draws, where it jitters, one number a frame."""

    def __init__(self, config: options.KeyFrame) -> None:
        self.config = config

    def at(self, frame: int) -> AroundFrame:
        """The same sampling for a sample whose key frame is `frame`."""
        return AroundFrame(self.config, frame)

    def clips(
        self, num_video_frames: int, fps: float, rng: np.random.Generator | None, num_clips: int | None = None
    ) -> Indices:
        """See `Sampling.clips`: around the middle of the video."""
        return self.at(num_video_frames // 2).clips(num_video_frames, fps, rng, num_clips)


@frozen
class AroundFrame:
    """A sampling whose key frame is known."""

    config: options.KeyFrame
    frame: int

    def clips(
        self, num_video_frames: int, fps: float, rng: np.random.Generator | None, num_clips: int | None = None
    ) -> Indices:
        """See `Sampling.clips`. There is one key frame, so one clip, whatever `num_clips` says."""
        check_length(num_video_frames)
        frames = frames_around(self.frame, self.config.num_frames, self.config.frame_interval)
        if rng is not None and self.config.jitter:
            low, high = jitter_range(self.config.frame_interval)
            frames = frames + rng.integers(low, high + 1, len(frames))
        return np.clip(frames, 0, num_video_frames - 1)[None]
