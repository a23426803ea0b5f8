"""Transforms of waveforms. Letters: S samples."""

from __future__ import annotations

import numpy as np

from vidcore.errors import ConfigError
from vidcore_audio import transform_config as options
from vidcore_audio.sound import Sound


class Amplify:
    """Multiply a sound, of either form. Draws nothing."""

    def __init__(self, config: options.Amplify) -> None:
        self.config = config

    def change(self, sound: Sound, rng: np.random.Generator | None) -> Sound:
        """See `SoundTransform.change`."""
        return Sound(sound.values * np.float32(self.config.ratio), sound.rate)


class RandomGain:
    """Louder or softer. Draws the decibels."""

    def __init__(self, config: options.RandomGain) -> None:
        self.config = config

    def change(self, sound: Sound, rng: np.random.Generator | None) -> Sound:
        """See `SoundTransform.change`."""
        check_waveform(sound, "random-gain")
        if rng is None:
            return sound
        return Sound(sound.values * np.float32(10 ** (rng.uniform(*self.config.decibels) / 20)), sound.rate)


class RandomSpeed:
    """Faster or slower, at the same length: silence comes in from both ends, or both ends go. Draws the factor."""

    def __init__(self, config: options.RandomSpeed) -> None:
        self.config = config

    def change(self, sound: Sound, rng: np.random.Generator | None) -> Sound:
        """See `SoundTransform.change`. Between samples the waveform is a straight line."""
        check_waveform(sound, "random-speed")
        if rng is None:
            return sound
        places, middle = np.arange(len(sound)), (len(sound) - 1) / 2
        source = middle + (places - middle) * rng.uniform(*self.config.factor)
        played = np.interp(source, places, sound.values, left=0.0, right=0.0)
        return Sound(played.astype(np.float32), sound.rate)


class AddNoise:
    """White noise. Draws whether, how much, and a number a sample."""

    def __init__(self, config: options.AddNoise) -> None:
        self.config = config

    def change(self, sound: Sound, rng: np.random.Generator | None) -> Sound:
        """See `SoundTransform.change`. Decibels are measured against the mean power of the view."""
        check_waveform(sound, "add-noise")
        if rng is None:
            return sound
        on, decibels = rng.random() < self.config.probability, rng.uniform(*self.config.signal_to_noise)
        noise = rng.standard_normal(len(sound), np.float32)
        loudness = float(np.sqrt(np.mean(sound.values.astype(np.float64) ** 2))) * 10 ** (-decibels / 20)
        return Sound(sound.values + noise * np.float32(loudness * on), sound.rate)


def check_waveform(sound: Sound, name: str) -> None:
    """Refuse what is no waveform.

    Raises:
        ConfigError: It is a spectrogram.
    """
    if sound.values.ndim != 1:
        raise ConfigError(f"the transform {name} is for waveforms; put it before mel-spectrogram, or leave it out")
