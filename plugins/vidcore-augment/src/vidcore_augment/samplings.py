"""More samplings: from the length of a video to the frames of its clips.

The arithmetic on frame numbers stands first. It was checked index by index against recorded figures
(tests/ops_augment.py).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from vidcore.data.clip_sampling import (
    Indices,
    Positions,
    clip_span,
    drawn_span,
    even_starts,
    frames_from,
    random_starts,
    segment_middles,
)
from vidcore.data.sampling import check_length
from vidcore.errors import DataError
from vidcore_augment import sampling_config as options


def window_starts(num_video_frames: int, window: int, num_segments: int, place: int) -> Indices:
    """Starts of `num_segments` clips at equal steps in a window that starts at `place`."""
    return (np.arange(num_segments) * (window // num_segments) + place) % num_video_frames


def random_window(num_video_frames: int, window: int, rng: np.random.Generator, last_start: bool = True) -> int:
    """Start of a window at a random place; 0 in a shorter video. `last_start` false never draws the last place."""
    num_places = max(1, num_video_frames - window + 1)
    if num_places == 1:
        return 0
    return int(rng.integers(0, num_places if last_start else num_places - 1))


def even_windows(num_video_frames: int, window: int, num_positions: int) -> Indices:
    """Starts of windows, evenly from the first possible place to the last, rounded down."""
    return np.linspace(0, max(num_video_frames - window, 0), num_positions).astype(np.int64)


def frames_of_segments(
    starts: Iterable[Positions], num_video_frames: int, config: options.Segments | options.Window
) -> Indices:
    """The first frame of each segment and its neighbours.

    Args:
        starts: For each clip, where its segments start, `[num_segments]`.
        num_video_frames: Frames of the video.
        config: How many neighbours, how far apart, and what stands for those beyond the end.

    Returns:
        Frame numbers, `[clips, num_segments * frames_per_segment]`.
    """
    steps = np.arange(config.frames_per_segment) * config.frame_interval
    return np.stack([frames_from(clip, steps, num_video_frames, config.out_of_bound).reshape(-1) for clip in starts])


def uniform_frames(
    num_video_frames: int, num_frames: int, rng: np.random.Generator | None, num_clips: int = 1
) -> Indices:
    """One frame from each of `num_frames` equal parts between first and last frame.

    Random with both ends of a part included, or, without `rng`, at `1 / (num_clips + 1)`, `2 / (num_clips + 1)`, ...
    of it.

    Returns:
        Frame numbers, `[num_clips, num_frames]`.
    """
    length = (num_video_frames - 1) / num_frames
    edges = np.around(np.arange(num_frames + 1) * length).astype(np.int64)  # half to even, as the figures need
    if rng is not None:
        return rng.integers(edges[:-1], edges[1:] + 1, (num_clips, num_frames))
    offsets = (length / (num_clips + 1) * np.arange(1, num_clips + 1)).astype(np.int64)
    frames: Indices = edges[None, :-1] + offsets[:, None]
    return frames


def untrimmed_frames(num_video_frames: int, num_frames: int, clip_interval: int, frame_interval: int = 1) -> Indices:
    """Frames around every `clip_interval`-th frame, the first after half an interval; edges repeat.

    Returns:
        Frame numbers, `[centres, num_frames]`.

    Raises:
        DataError: The video is too short for a single centre.
    """
    centres = np.arange(clip_interval // 2, num_video_frames, clip_interval)
    if not len(centres):
        text = f"{num_video_frames} frames, but clip_interval = {clip_interval} needs at least {clip_interval // 2 + 1}"
        raise DataError(f"video too short for sampling: {text}")
    steps = (np.arange(num_frames) - num_frames // 2) * frame_interval
    frames: Indices = np.clip(centres[:, None] + steps, 0, num_video_frames - 1)
    return frames


class SegmentSampling:
    """One frame, or a few neighbours, from each of equal segments. Draws: the starts of each clip's segments."""

    def __init__(self, config: options.Segments) -> None:
        self.config = config

    def clips(
        self, num_video_frames: int, fps: float, rng: np.random.Generator | None, num_clips: int | None = None
    ) -> Indices:
        """See `Sampling.clips`. Several clips in testing take other frames of the same segments."""
        check_length(num_video_frames)
        config, count = self.config, num_clips or 1
        if rng is not None:
            span = drawn_span(config.frames_per_segment, config.frame_interval)
            starts = [
                random_starts(num_video_frames, span, config.num_segments, rng, config.keep_tail) for _ in range(count)
            ]
        else:
            starts = [self._test_starts(num_video_frames, clip, count) for clip in range(count)]
        return frames_of_segments(starts, num_video_frames, config)

    def _test_starts(self, num_video_frames: int, clip: int, num_clips: int) -> Positions:
        config = self.config
        if config.frames_per_segment == 1:
            return segment_middles(num_video_frames, config.num_segments, clip, num_clips)
        span = clip_span(config.frames_per_segment, config.frame_interval)
        return even_starts(num_video_frames, span, config.num_segments * num_clips)[clip::num_clips]


class WindowSampling:
    """Frames spread over a window. Draws: the place of each clip's window."""

    def __init__(self, config: options.Window) -> None:
        self.config = config

    def clips(
        self, num_video_frames: int, fps: float, rng: np.random.Generator | None, num_clips: int | None = None
    ) -> Indices:
        """See `Sampling.clips`."""
        check_length(num_video_frames)
        config = self.config
        if rng is not None:
            places = [
                random_window(num_video_frames, config.window, rng, config.last_start) for _ in range(num_clips or 1)
            ]
        else:
            places = even_windows(num_video_frames, config.window, num_clips or config.num_positions).tolist()
        starts = [window_starts(num_video_frames, config.window, config.num_segments, place) for place in places]
        return frames_of_segments(starts, num_video_frames, config)


class UniformSampling:
    """One frame from each of equal parts. Draws: one number a frame."""

    def __init__(self, config: options.Uniform) -> None:
        self.config = config

    def clips(
        self, num_video_frames: int, fps: float, rng: np.random.Generator | None, num_clips: int | None = None
    ) -> Indices:
        """See `Sampling.clips`."""
        check_length(num_video_frames)
        count = num_clips or self.config.num_clips
        return uniform_frames(num_video_frames, self.config.num_frames, rng, count)


class UntrimmedSampling:
    """Clips all along the video. Draws nothing, and the video alone decides how many clips there are."""

    def __init__(self, config: options.Untrimmed) -> None:
        self.config = config

    def clips(
        self, num_video_frames: int, fps: float, rng: np.random.Generator | None, num_clips: int | None = None
    ) -> Indices:
        """See `Sampling.clips`."""
        check_length(num_video_frames)
        config = self.config
        return untrimmed_frames(num_video_frames, config.num_frames, config.clip_interval, config.frame_interval)
