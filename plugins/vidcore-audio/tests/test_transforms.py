from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from vidcore.errors import ConfigError
from vidcore.plugins import build
from vidcore.randomness import Purpose, generator
from vidcore_audio import transform_config as options
from vidcore_audio.sound import Sound

WAVEFORM = Sound(np.sin(np.arange(8000) * 0.4).astype(np.float32), 8000.0)
SPECTROGRAM = Sound(np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32), 100.0)
RANDOM: list[tuple[Any, Sound]] = [
    (options.RandomGain(), WAVEFORM),
    (options.RandomSpeed(), WAVEFORM),
    (options.AddNoise(probability=1.0), WAVEFORM),
    (options.WarpFrequency(), SPECTROGRAM),
    (options.MaskSpectrogram(), SPECTROGRAM),
]


def rng(index: int = 0) -> np.random.Generator:
    return generator(0, Purpose.SAMPLE, index=index)


@pytest.mark.parametrize(("config", "sound"), RANDOM)
def test_chance_comes_from_the_generator_and_testing_knows_none(config: Any, sound: Sound) -> None:
    before = sound.values.copy()
    transform = pickle.loads(pickle.dumps(build(config)))
    first, again, other = (transform.change(sound, rng(i)).values for i in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert first.shape == sound.values.shape and first.dtype == np.float32
    np.testing.assert_array_equal(transform.change(sound, None).values, before)
    np.testing.assert_array_equal(sound.values, before)


@pytest.mark.parametrize(("config", "sound"), RANDOM)
def test_the_other_form_of_a_sound_is_refused(config: Any, sound: Sound) -> None:
    with pytest.raises(ConfigError, match="is for (waveforms|spectrograms); put it"):
        build(config).change(SPECTROGRAM if sound is WAVEFORM else WAVEFORM, rng())


def test_a_tone_lights_the_band_that_holds_its_frequency() -> None:
    def loudest(hertz: float) -> int:
        sound = Sound(np.sin(2 * np.pi * hertz * np.arange(8000) / 8000).astype(np.float32), 8000.0)
        bands = build(options.MelSpectrogram(bands=40, scale="log")).change(sound, None)
        assert bands.values.shape == (63, 40)
        assert bands.rate == 62.5
        return int(bands.values[30].argmax())

    assert loudest(200) < loudest(800) < loudest(3000)


def test_what_is_too_soft_beside_the_loudest_is_cut_off() -> None:
    loud = build(options.MelSpectrogram(bands=20)).change(WAVEFORM, None).values
    ranged = build(options.MelSpectrogram(bands=20, range=30.0)).change(WAVEFORM, None).values
    assert ranged.min() == pytest.approx(float(loud.max()) / 1000, rel=1e-5)
    assert ranged.max() == loud.max()


def test_the_shape_that_is_told_is_the_shape_that_comes_out() -> None:
    for config in (
        options.MelSpectrogram(bands=20, length=50),
        options.MelSpectrogram(bands=20, length=90),
        options.MelSpectrogram(bands=20, length=32, layout="mel-first"),
        options.MelSpectrogram(bands=20, layout="mel-first"),
    ):
        told, found = config.out_shape((8000,)), build(config).change(WAVEFORM, None).values.shape
        assert [size for size in told if size is not None] == [
            made for size, made in zip(told, found, strict=True) if size is not None
        ]


def test_frequencies_that_the_sound_cannot_have_are_refused() -> None:
    with pytest.raises(ConfigError, match="at most 4000 Hz"):
        build(options.MelSpectrogram(highest=5000.0)).change(WAVEFORM, None)
    with pytest.raises(ConfigError, match="shorter than a sample"):
        build(options.MelSpectrogram(step=0.05)).change(WAVEFORM, None)


def test_faster_is_higher() -> None:
    def pitch(factor: float) -> int:
        played = build(options.RandomSpeed(factor=(factor, factor))).change(WAVEFORM, rng()).values
        return int(np.abs(np.fft.rfft(played)).argmax())

    assert pitch(1.0) == 509  # 0.4 / (2 pi) * 8000
    assert pitch(0.5) == pytest.approx(255, abs=1)
    assert pitch(1.5) == pytest.approx(764, abs=1)


def test_noise_is_as_loud_as_asked_for() -> None:
    noisy = build(options.AddNoise(signal_to_noise=(20.0, 20.0), probability=1.0)).change(WAVEFORM, rng()).values
    power = float(np.mean((noisy - WAVEFORM.values) ** 2) / np.mean(WAVEFORM.values**2))
    assert 10 * np.log10(power) == pytest.approx(-20, abs=0.2)


def test_standardized_views_have_mean_0_and_deviation_1_and_silence_stays_finite() -> None:
    values = build(options.Standardize()).change(Sound(SPECTROGRAM.values * 7 + 3, 1.0), None).values
    assert (float(values.mean()), float(values.std())) == pytest.approx((0, 1), abs=1e-5)
    assert not build(options.Standardize()).change(Sound(np.full((4, 4), 3, np.float32), 1.0), None).values.any()
    banded = build(options.Standardize(over="time")).change(Sound(SPECTROGRAM.values * np.arange(1, 31), 1.0), None)
    np.testing.assert_allclose(banded.values.std(axis=0), 1, rtol=1e-4)
    fixed = build(options.Standardize(mean=1.0, std=2.0)).change(SPECTROGRAM, None).values
    np.testing.assert_allclose(fixed, (SPECTROGRAM.values - 1) / 2, rtol=1e-6)


def test_stripes_are_no_wider_than_told() -> None:
    mask = build(options.MaskSpectrogram(time=5, frequency=3))
    for index in range(20):
        changed = mask.change(SPECTROGRAM, rng(index)).values != SPECTROGRAM.values
        assert changed.all(axis=1).sum() <= 5
        assert changed.all(axis=0).sum() <= 3


@pytest.mark.parametrize(
    "make",
    [
        lambda: options.Amplify(ratio=0.0),
        lambda: options.RandomSpeed(factor=(0.0, 1.0)),
        lambda: options.RandomGain(decibels=(3.0, -3.0)),
        lambda: options.MelSpectrogram(bands=0),
    ],
)
def test_options_outside_their_limits_are_refused(make: Any) -> None:
    with pytest.raises(ValueError):
        make()
