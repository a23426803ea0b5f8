"""From a sound to the views of a sample: windows, then transforms. Letters: V views, T time, F bands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from attrs import frozen
from torch import Tensor

from vidcore.data.sampling import Sampling
from vidcore_audio.sound import Sound, SoundTransform, Values, fitted
from vidcore_audio.windows import at_least, between_frames


@frozen(eq=False, kw_only=True)
class SoundViews:
    """Makes the views of sounds. Everything in it is stateless and pickles."""

    sampling: Sampling
    transforms: Sequence[SoundTransform]
    shortest: float  # seconds; silence fills shorter sounds
    length: int | None  # steps that a window is cut or padded to
    by_video_frames: bool = False  # the sampling counts frames of the sound's video

    def of(self, sound: Sound, rng: np.random.Generator | None, clips: int | None, num_frames: int = -1) -> Tensor:
        """All views of one reading, float32 `[V, 1, T, F]`, or `[V, 1, samples]` of a waveform.

        Args:
            sound: The whole sound.
            rng: Generator of the sample in training; None in testing. Used for the silence around the sound, the
                sampling, then the transforms, view by view.
            clips: How many windows; None leaves it to the sampling.
            num_frames: Frames of the sound's video, where they count.
        """
        sound = at_least(sound, self.shortest, rng)
        views = []
        for values in self._windows(sound, num_frames, rng, clips):
            view = Sound(values, sound.rate)
            for transform in self.transforms:
                view = transform.change(view, rng)
            views.append(torch.from_numpy(np.ascontiguousarray(view.values, np.float32)))
        return torch.stack(views)[:, None]

    def _windows(
        self, sound: Sound, num_frames: int, rng: np.random.Generator | None, clips: int | None
    ) -> list[Values]:
        if self.by_video_frames:
            assert self.length is not None, "the options ask for it"
            frames = self.sampling.clips(num_frames, 0.0, rng, clips)
            return [between_frames(sound.values, clip, num_frames, self.length) for clip in frames]
        windows = [sound.values[clip] for clip in self.sampling.clips(len(sound), sound.rate, rng, clips)]
        return [fitted(window, self.length) for window in windows] if self.length else windows
