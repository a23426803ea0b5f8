"""Options of the components of kind `sound-transform`: what becomes of a sound once its window is chosen."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from attrs import field, frozen
from attrs.validators import and_, ge, gt, le, optional

from vidcore.config.base import Shape
from vidcore.config.slots import Slot

SoundTransformSlot = Annotated[Any, Slot("sound-transform")]


def _low_high(instance: Any, attribute: Any, value: tuple[float, float]) -> None:
    if value[0] > value[1]:
        raise ValueError(f"{attribute.name!r} must be [low, high] with low <= high, got {list(value)}")


def _factors(instance: Any, attribute: Any, value: tuple[float, float]) -> None:
    if not 0 < value[0] <= value[1]:
        raise ValueError(f"{attribute.name!r} must be [low, high] with 0 < low <= high, got {list(value)}")


@frozen(kw_only=True)
class SoundTransformConfig:
    """What every transform of sounds has: it tells the shape that comes out, so that a model can refuse early."""

    def out_shape(self, shape: Shape) -> Shape:
        """Shape of a view after this transform, from the one before it, without the channel."""
        return shape


@frozen(kw_only=True)
class Amplify(SoundTransformConfig):
    """Multiply a sound by a number."""

    ratio: float = field(default=1.5, validator=gt(0.0))


@frozen(kw_only=True)
class RandomGain(SoundTransformConfig):
    """Make a waveform louder or softer at random. In testing: nothing."""

    decibels: tuple[float, float] = field(default=(-6.0, 6.0), validator=_low_high)


@frozen(kw_only=True)
class RandomSpeed(SoundTransformConfig):
    """Play a waveform faster (and higher) or slower (and lower) around its middle. In testing: nothing."""

    factor: tuple[float, float] = field(default=(0.9, 1.1), validator=_factors)


@frozen(kw_only=True)
class AddNoise(SoundTransformConfig):
    """Add white noise to a waveform at random. In testing: nothing."""

    signal_to_noise: tuple[float, float] = field(default=(10.0, 40.0), validator=_low_high)  # decibels
    probability: float = field(default=0.5, validator=and_(ge(0.0), le(1.0)))


@frozen(kw_only=True)
class MelSpectrogram(SoundTransformConfig):
    """The power of a waveform in bands of the mel scale (Slaney's) for every step in time, `[time, band]`."""

    window: float = field(default=32.0, validator=gt(0.0))  # milliseconds
    step: float = field(default=16.0, validator=gt(0.0))  # milliseconds
    bands: int = field(default=80, validator=ge(1))
    lowest: float = field(default=0.0, validator=ge(0.0))  # hertz
    highest: float | None = field(default=None, validator=optional(gt(0.0)))  # hertz; left out: half the sample rate
    scale: Literal["power", "log"] = "power"  # "log": the natural logarithm of power + 1e-6
    range: float | None = field(
        default=None, validator=optional(gt(0.0))
    )  # decibels; what is softer by more is as soft
    # "mel-first" is `[band, time]` cut or padded along the bands, as MMAction2 hands it on
    layout: Literal["time-first", "mel-first"] = "time-first"
    length: int | None = field(default=None, validator=optional(ge(1)))  # that the first axis is cut or padded to

    def out_shape(self, shape: Shape) -> Shape:
        """Time is known where `length` says it."""
        if self.layout == "mel-first":
            return (self.length or self.bands, None)
        return (self.length, self.bands)


@frozen(kw_only=True)
class WarpFrequency(SoundTransformConfig):
    """Stretch or squeeze a spectrogram along frequency at random: another voice. In testing: nothing.

    Jaitly and Hinton, Vocal Tract Length Perturbation, 2013.
    """

    factor: tuple[float, float] = field(default=(0.9, 1.1), validator=_factors)


@frozen(kw_only=True)
class MaskSpectrogram(SoundTransformConfig):
    """Blank random stripes along time and along frequency (Park et al., arXiv:1904.08779). In testing: nothing."""

    time: int = field(default=10, validator=ge(0))  # most steps of a stripe
    frequency: int = field(default=10, validator=ge(0))  # most bands of a stripe
    stripes: int = field(default=1, validator=ge(1))  # of each kind


@frozen(kw_only=True)
class Standardize(SoundTransformConfig):
    """Bring every view to mean 0 and standard deviation 1, or subtract and divide by numbers of your own."""

    over: Literal["view", "time"] = "view"  # "time": each band on its own, which takes away the colour of a microphone
    mean: float | None = None  # left out: of the view
    std: float | None = field(default=None, validator=optional(gt(0.0)))  # left out: of the view
