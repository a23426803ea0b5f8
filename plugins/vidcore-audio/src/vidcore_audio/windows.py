"""Which part of a sound is a view: indices of its steps, from a sampling or from the frames of its video.

Letters: n views, S steps of the sound.
"""

from __future__ import annotations

import numpy as np

from vidcore.data.clip_sampling import Indices
from vidcore.data.sampling import check_length
from vidcore.errors import DataError
from vidcore_audio import data_config
from vidcore_audio.sound import Sound, Values, fitted, padded


class SoundWindowSampling:
    """Windows of so many seconds. Draws: the start of each.

    A sound that is shorter gives its whole length, so views of one length need `at_least` seconds from the data set.
    """

    def __init__(self, config: data_config.SoundWindow) -> None:
        self.config = config

    def clips(
        self, num_video_frames: int, fps: float, rng: np.random.Generator | None, num_clips: int | None = None
    ) -> Indices:
        """See `Sampling.clips`; steps of the sound stand for frames.

        Raises:
            DataError: The sound is empty, or its rate is not known.
        """
        check_length(num_video_frames)
        if fps <= 0:
            raise DataError("sound-window counts seconds, but the sampling counts frames of a video here; use dense")
        count = num_clips or self.config.num_clips
        length = min(max(round(self.config.seconds * fps), 1), num_video_frames)
        room = num_video_frames - length
        if rng is not None:
            starts = rng.integers(0, room + 1, count)
        else:
            even = np.linspace(0, room, count).round() if count > 1 else np.array([room // 2])
            starts = even.astype(np.int64)
        indices: Indices = starts[:, None] + np.arange(length)
        return indices


def at_least(sound: Sound, seconds: float, rng: np.random.Generator | None) -> Sound:
    """The sound with silence around it where it is shorter. Draws how much of it comes before; in testing none."""
    missing = round(seconds * sound.rate) - len(sound)
    before = 0 if rng is None else int(rng.integers(0, max(missing, 0) + 1))
    return sound if missing <= 0 else Sound(padded(sound.values, before, missing - before), sound.rate)


def between_frames(values: Values, frames: Indices, num_frames: int, length: int) -> Values:
    """What sounds from behind the first of `frames` to the last one, cut or padded with silence to `length`.

    The sound is as long as the video of `num_frames`. Both ends are rounded to whole steps, halves to even.
    """
    first, last = (round((int(frame) + 1) / num_frames * len(values)) for frame in (frames[0], frames[-1]))
    return fitted(values[max(first, 0) : min(last, len(values))], length)
