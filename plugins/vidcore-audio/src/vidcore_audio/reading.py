"""From files to sounds: waveforms through FFmpeg (PyAV), features from `.npy`."""

from __future__ import annotations

import math
from pathlib import Path

import av
import av.error
import numpy as np
import soxr
from attrs import frozen

from vidcore.errors import DataError
from vidcore_audio.sound import Sound, Values

_SILENCE_SECONDS = 10  # of a sound that is missing, where that is allowed


@frozen
class WaveformReader:
    """Reads the sound of a file, or of a video.

    Args:
        sample_rate: Samples a second that come out.
        silence: Whether a missing file, or one without sound, is ten seconds of silence instead of an error.
    """

    sample_rate: int
    silence: bool = False

    def __call__(self, path: Path) -> Sound:
        """The mean of the channels, resampled, in -1 ... 1.

        Raises:
            DataError: There is no such file, it has no sound, the sound cannot be decoded, or is not finite.
        """
        channels, rate = _decode(path) if path.exists() or not self.silence else (None, 0)
        if channels is None:
            if self.silence:
                return Sound(np.zeros(_SILENCE_SECONDS * self.sample_rate, np.float32), self.sample_rate)
            raise DataError(f'{path} has no sound; leave it out of the list, or set missing = "silence"')
        mono = channels.mean(axis=0)
        if not np.isfinite(mono).all():
            raise DataError(f"{path} has samples that are not finite; write it anew, or remove it")
        return Sound(_resampled(mono, rate, self.sample_rate), self.sample_rate)


@frozen
class FeatureReader:
    """Reads precomputed spectrograms. `rate` is that of their rows."""

    rate: float

    def __call__(self, path: Path) -> Sound:
        """Rows of features, `[T, F]`.

        Raises:
            DataError: The file is missing, is no array of numbers `[T, F]`, is empty, or has numbers that are not
                finite.
        """
        try:
            values = np.load(path, allow_pickle=False)
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
        except (ValueError, EOFError) as error:
            raise DataError(f"{path} is no .npy file of plain numbers: {error}") from error
        if not isinstance(values, np.ndarray) or values.ndim != 2 or values.dtype.kind not in "fiu" or not values.size:
            found = f"{values.dtype} {list(values.shape)}" if isinstance(values, np.ndarray) else "an archive"
            raise DataError(f"{path}: features are numbers [time, band], at least one row; found {found}")
        values = values.astype(np.float32)
        if not np.isfinite(values).all():
            raise DataError(f"{path} has features that are not finite; make it anew")
        return Sound(values, self.rate)


def _decode(path: Path) -> tuple[Values | None, int]:
    """Channels `[C, S]` and their rate; None where the file has no sound."""
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            if not container.streams.audio:
                return None, 0
            stream = container.streams.audio[0]
            to_float = av.AudioResampler(format="fltp", layout=stream.layout, rate=stream.rate)
            frames = [part for frame in container.decode(stream) for part in to_float.resample(frame)]
            if frames:
                frames += to_float.resample(None)
            parts = [frame.to_ndarray() for frame in frames]
            return (np.concatenate(parts, axis=1) if parts else None), stream.rate
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path}: its sound cannot be read: {reason}; play it, fetch it again, or remove it") from error


def _resampled(mono: Values, rate: int, sample_rate: int) -> Values:
    """At another rate, with soxr in high quality; the length is rounded up."""
    if rate == sample_rate:
        return mono
    length = math.ceil(len(mono) * sample_rate / rate)
    resampled: Values = soxr.resample(mono, rate, sample_rate, quality="HQ")[:length]
    return np.pad(resampled, (0, length - len(resampled)))
