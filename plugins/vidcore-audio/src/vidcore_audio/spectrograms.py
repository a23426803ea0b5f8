"""Spectrograms and their transforms. Letters: S samples, T steps in time, F bands.

librosa makes the spectrograms: the published networks were trained on its figures, and torchaudio, the other
well-known library, is tied to one release of torch (2.11 refuses torch 2.15).
"""

from __future__ import annotations

import librosa.feature
import numpy as np

from vidcore.errors import ConfigError
from vidcore_audio import transform_config as options
from vidcore_audio.sound import Sound, Values
from vidcore_audio.waveforms import check_waveform

_FLOOR = 1e-6  # of the power, before a logarithm is taken
_SPREAD = np.float32(1e-5)  # least standard deviation that is divided by


def mel_spectrogram(waveform: Values, rate: float, config: options.MelSpectrogram) -> Values:
    """Power in mel bands, `[F, T]`.

    Windows are Hann's, centred on every step, with zeros beyond the ends; bands have Slaney's scale and norm.
    """
    window, step = (round(rate * milliseconds / 1000) for milliseconds in (config.window, config.step))
    power: Values = librosa.feature.melspectrogram(
        y=waveform,
        sr=rate,
        n_fft=window,
        hop_length=step,
        n_mels=config.bands,
        fmin=config.lowest,
        fmax=config.highest,
    )
    return power


class MelSpectrogram:
    """From a waveform to its spectrogram. Draws nothing."""

    def __init__(self, config: options.MelSpectrogram) -> None:
        self.config = config

    def change(self, sound: Sound, rng: np.random.Generator | None) -> Sound:
        """See `SoundTransform.change`.

        Raises:
            ConfigError: The step is shorter than a sample, or the highest frequency is above half the sample rate.
        """
        check_waveform(sound, "mel-spectrogram")
        config = self.config
        self._check(sound.rate)
        bands = mel_spectrogram(sound.values, sound.rate, config)  # [F, T]
        if config.range is not None:
            bands = np.maximum(bands, bands.max() * np.float32(10 ** (-config.range / 10)))
        bands = np.log(bands + _FLOOR) if config.scale == "log" else bands
        spectrogram = bands if config.layout == "mel-first" else bands.T
        if config.length is not None:
            spectrogram = _edge_fitted(spectrogram, config.length)
        return Sound(spectrogram, 1000 / config.step)

    def _check(self, rate: float) -> None:
        config = self.config
        if round(rate * min(config.step, config.window) / 1000) < 1:
            raise ConfigError(
                f"mel-spectrogram: a window or step is shorter than a sample at {rate:g} samples a second"
            )
        if config.highest is not None and config.highest > rate / 2:
            raise ConfigError(f"mel-spectrogram.highest is {config.highest:g} Hz; a sound has at most {rate / 2:g} Hz")


class WarpFrequency:
    """Stretch along frequency, the lowest band stays. Draws the factor."""

    def __init__(self, config: options.WarpFrequency) -> None:
        self.config = config

    def change(self, sound: Sound, rng: np.random.Generator | None) -> Sound:
        """See `SoundTransform.change`. Beyond the highest band it goes on."""
        _check_spectrogram(sound, "warp-frequency")
        if rng is None:
            return sound
        count = sound.values.shape[1]
        source = np.minimum(np.arange(count) * rng.uniform(*self.config.factor), count - 1)
        low = np.floor(source).astype(np.int64)
        share = (source - low).astype(np.float32)
        high = np.minimum(low + 1, count - 1)
        return Sound(sound.values[:, low] * (1 - share) + sound.values[:, high] * share, sound.rate)


class MaskSpectrogram:
    """Blank stripes with the mean of the view. Draws width and place of each, along time first."""

    def __init__(self, config: options.MaskSpectrogram) -> None:
        self.config = config

    def change(self, sound: Sound, rng: np.random.Generator | None) -> Sound:
        """See `SoundTransform.change`."""
        _check_spectrogram(sound, "mask-spectrogram")
        if rng is None:
            return sound
        values, mean = sound.values.copy(), sound.values.mean()
        for _ in range(self.config.stripes):
            values[_stripe(len(values), self.config.time, rng)] = mean
            values[:, _stripe(values.shape[1], self.config.frequency, rng)] = mean
        return Sound(values, sound.rate)


class Standardize:
    """Mean 0, standard deviation 1. Draws nothing."""

    def __init__(self, config: options.Standardize) -> None:
        self.config = config

    def change(self, sound: Sound, rng: np.random.Generator | None) -> Sound:
        """See `SoundTransform.change`. A view in which nothing changes becomes 0."""
        config, values = self.config, sound.values
        axis = 0 if config.over == "time" else None
        mean = values.mean(axis=axis) if config.mean is None else np.float32(config.mean)
        std = np.maximum(values.std(axis=axis), _SPREAD) if config.std is None else np.float32(config.std)
        return Sound(np.asarray((values - mean) / std, np.float32), sound.rate)


def _stripe(count: int, widest: int, rng: np.random.Generator) -> slice:
    width = int(rng.integers(0, min(widest, count) + 1))
    start = int(rng.integers(0, count - width + 1))
    return slice(start, start + width)


def _edge_fitted(values: Values, length: int) -> Values:
    """The first `length` rows; the last one is repeated where there are fewer."""
    missing = length - len(values)
    return values[:length] if missing <= 0 else np.pad(values, [(0, missing), (0, 0)], mode="edge")


def _check_spectrogram(sound: Sound, name: str) -> None:
    if sound.values.ndim != 2:
        raise ConfigError(f"the transform {name} is for spectrograms; put it behind mel-spectrogram")
