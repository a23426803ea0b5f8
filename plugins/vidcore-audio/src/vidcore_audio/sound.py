"""A sound as it is handed from reading to transforms, and what all transforms of sounds share.

Letters: S samples of a waveform, T steps in time, F bands.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

Values = NDArray[np.float32]


@frozen(eq=False)
class Sound:
    """A waveform `[S]` in -1 ... 1, or a spectrogram `[T, F]`, with its rate."""

    values: Values
    rate: float  # samples or steps a second

    def __len__(self) -> int:
        return len(self.values)


class SoundTransform(Protocol):
    """A component of kind `sound-transform`: changes a sound, and holds nothing but its options."""

    def change(self, sound: Sound, rng: np.random.Generator | None) -> Sound:
        """The changed sound; the one that comes in stays as it is. `rng` is None in testing, where nothing is drawn.

        Raises:
            ConfigError: It is for waveforms and this is a spectrogram, or the other way round.
        """


def fitted(values: Values, length: int) -> Values:
    """The first `length` steps, with silence behind a shorter sound: `[length, ...]`."""
    missing = length - len(values)
    return values[:length] if missing <= 0 else padded(values, 0, missing)


def padded(values: Values, before: int, behind: int) -> Values:
    """Silence before and behind a sound."""
    widths = [(before, behind)] + [(0, 0)] * (values.ndim - 1)
    return np.pad(values, widths)
