"""Reading a single sound as a network was trained on, for `vidcore predict`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from vidcore.data.clips import named
from vidcore.errors import ConfigError, DataError
from vidcore.plugins import build
from vidcore.values import Sample, SampleRef
from vidcore_audio.data_config import SoundReader
from vidcore_audio.reading import FeatureReader, WaveformReader
from vidcore_audio.views import SoundViews


class SoundFileReader:
    """Reads files: sounds or the sound of videos, or features.

    Raises:
        ConfigError: Windows are counted in frames of videos, whose number a single file does not tell.
    """

    def __init__(self, config: SoundReader) -> None:
        if config.unit == "video-frame":
            raise ConfigError(
                "these weights count windows in frames of a video, and a sound alone does not tell how many it has; "
                'use a network that was trained with unit = "step"'
            )
        self._config = config
        self._read = FeatureReader(config.rate) if config.features else WaveformReader(round(config.rate))
        self._views = SoundViews(
            sampling=build(config.sampling),
            transforms=[build(one) for one in config.transforms],
            shortest=config.at_least,
            length=config.length,
        )

    def read(self, path: Any, ref: SampleRef) -> Sample:
        """The sample of a file.

        Raises:
            DataError: It cannot be used, or is no path.
        """
        if not isinstance(path, str | os.PathLike):
            raise DataError("these weights listen to sounds; give the path of a file, not frames")
        try:
            sound = self._read(Path(path))
            views = self._views.of(sound, None, self._config.views.clips)
        except DataError as error:
            raise named(error, str(path)) from error
        meta = {"path": str(path), "seconds": len(sound) / sound.rate, "merge": self._config.views.merge}
        return Sample(ref=ref, inputs={"audio": views}, target={}, meta=meta)
