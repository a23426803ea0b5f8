"""Where clips start and which frames they hold: arithmetic on frame numbers, nothing else.

Letters: T frames of the video, n clips, L frames in a clip. Frames count from 0.
All figures were checked index by index against recorded ones (tests/reference/ops_data.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidcore.data.sampling_config import OutOfBound
from vidcore.errors import ConfigError

Indices = NDArray[np.int64]
Positions = NDArray[Any]  # int64, or float64 where starts stand between frames


def clip_span(num_frames: int, frame_interval: int) -> int:
    """Source frames from the first to the last frame of a clip, both included."""
    return (num_frames - 1) * frame_interval + 1


def drawn_span(num_frames: int, frame_interval: int) -> int:
    """Source frames that a clip counts for when its start is drawn: the step after the last frame belongs to it."""
    return num_frames * frame_interval


def span_at_fps(num_frames: int, frame_interval: int, fps: float, target_fps: float) -> float:
    """`drawn_span` where the step is measured at `target_fps`; fps 0 counts as `target_fps`."""
    ratio = fps / target_fps if fps > 0 else 1.0
    return max(drawn_span(num_frames, frame_interval) * ratio, 1.0)


def random_starts(
    num_video_frames: int, span: float, num_clips: int, rng: np.random.Generator, keep_tail: bool = False
) -> Indices:
    """A random start in each of `num_clips` equal parts of the possible starts.

    A video with fewer starts than clips gives sorted random ones, one with hardly any gives evenly spaced ones, and one
    that is shorter than `span` gives 0 for all; `frames_from` then decides what fills the rest.

    Args:
        num_video_frames: Frames of the video, at least 1.
        span: Source frames covered by a clip.
        num_clips: Clips to place.
        rng: Draws one number a clip, or none.
        keep_tail: Parts have a fractional length. Else it is rounded down and up to `num_clips - 1` last starts are
            never drawn.
    """
    num_starts = num_video_frames - span + 1
    parts = np.arange(num_clips)
    if keep_tail:
        if num_starts <= 0:
            return np.zeros(num_clips, np.int64)
        length = num_starts / num_clips
        starts: Indices = (parts * length + rng.uniform(0, length, num_clips)).astype(np.int64)
        return starts
    length = int(num_starts // num_clips)
    if length > 0:
        return parts * length + rng.integers(0, length, num_clips)
    if num_video_frames > max(num_clips, span):
        return np.sort(rng.integers(0, int(num_starts), num_clips))
    if length == 0:
        return np.around(parts * (num_starts / num_clips)).astype(np.int64)
    return np.zeros(num_clips, np.int64)


def even_starts(
    num_video_frames: int, span: float, num_clips: int, twice: bool = False, round_down: bool = False
) -> Positions:
    """Starts of `num_clips` clips, evenly from the first possible one to the last; a single one stands in the middle.

    Example: 100 frames, span 32, 3 clips -> 0, 34, 68.

    Args:
        num_video_frames: Frames of the video, at least 1.
        span: Source frames covered by a clip; a longer one than the video gives start 0.
        num_clips: Clips to place.
        twice: Go on at the same spacing for as many clips again. They run past the end.
        round_down: Round the spacing down, instead of each start to the nearest frame (half to even).

    Raises:
        ConfigError: `twice` with a single clip, which has no spacing.
    """
    room = max(num_video_frames - span, 0)
    if num_clips == 1:
        if twice:
            raise ConfigError("sampling.twice: doubling needs a spacing, so at least 2 clips; raise views.clips")
        return np.array([room // 2])
    count = np.arange(num_clips * 2 if twice else num_clips)
    spacing = room / (num_clips - 1)  # divided first: of 15 clips some starts lie a hair beside a half
    starts: Positions = count * np.floor(spacing) if round_down else np.around(count * spacing)
    return starts


def segment_middles(num_video_frames: int, num_segments: int, clip: int = 0, num_clips: int = 1) -> Positions:
    """A position in each of `num_segments` equal segments, between frames: rounded down they are frame numbers.

    One clip takes the middle of each segment. Several start there too and go on by a fraction of a segment, so that two
    clips take middles and starts.
    """
    length = num_video_frames / num_segments
    starts = np.arange(num_segments) * length
    share = (0.5 - clip / num_clips) % 1.0
    return starts if share == 0 else starts + length * share


def frames_from(starts: Positions, steps: Indices, num_video_frames: int, out_of_bound: OutOfBound = "loop") -> Indices:
    """Frames `starts + steps` of each clip, all of them inside the video.

    Args:
        starts: First frame of each clip, `[n]`; may lie between frames.
        steps: Offsets of the frames in a clip, `[L]`, or one row a clip `[n, L]`.
        num_video_frames: T.
        out_of_bound: "loop" goes on from the start of the video, "repeat-last" repeats the clip's last frame that lies
            inside (frame 0 where none does).

    Returns:
        Frame numbers, `[n, L]`.
    """
    frames = starts[:, None] + steps
    if out_of_bound == "loop":
        frames = np.mod(frames, num_video_frames)
    else:
        inside = frames < num_video_frames
        last = np.max(np.where(inside, frames, 0), axis=1, keepdims=True)
        frames = np.where(inside, frames, last)
    return frames.astype(np.int64)
