"""The spectrogram of one file, for the engine of vidcore-prepare that works through many."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from attrs import frozen

from vidcore_audio.reading import WaveformReader
from vidcore_audio.spectrograms import MelSpectrogram
from vidcore_audio.transform_config import MelSpectrogram as Options
from vidcore_prepare.engine import Item


@frozen(kw_only=True)
class WriteFeatures:
    """Writes the mel spectrogram of a sound as float32 `.npy`, `[time, band]`."""

    sample_rate: int
    options: Options

    def __call__(self, item: Item, unfinished: Path) -> dict[str, float]:
        """Raises DataError where there is no sound, or it cannot be read."""
        sound = WaveformReader(self.sample_rate)(item.source)
        features = MelSpectrogram(self.options).change(sound, None).values
        content = io.BytesIO()  # numpy says nothing of a full disk
        np.save(content, np.ascontiguousarray(features))
        unfinished.write_bytes(content.getvalue())
        return {"rows": len(features)}
