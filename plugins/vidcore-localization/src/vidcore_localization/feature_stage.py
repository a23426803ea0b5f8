"""Features of raw videos as a stage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from vidcore.errors import DataError
from vidcore.inference import Predictor
from vidcore.wording import counted
from vidcore_localization.extraction import FeatureExtractor, extract_files, videos_of
from vidcore_localization.feature_config import FeatureStage


class Features:
    """`NAME.npy` of every video, below `features` in the stage's folder."""

    artifacts: Mapping[str, str] = {"features": "features"}

    def __init__(self, config: FeatureStage) -> None:
        self.config = config

    def run(self, folder: Path, base: Path, device: str) -> None:
        """Extract what is not there yet.

        Raises:
            DataError: More videos than `max_bad_fraction` could not be read; each was told.
        """
        config = self.config
        if config.run:
            predictor = Predictor(run=base / config.run, device=device)
        else:
            predictor = Predictor(weights=config.weights, device=device)
        extractor = FeatureExtractor(predictor, config)
        files = videos_of([base / Path(path).expanduser() for path in config.videos], extractor.is_video)
        broken = extract_files(extractor, files, folder / self.artifacts["features"], click.echo)
        if len(broken) > config.max_bad_fraction * len(files):
            raise DataError(
                f"{len(broken)} of {counted(len(files), 'video')} could not be read, more than max_bad_fraction = "
                f"{config.max_bad_fraction:g} allows: {', '.join(path.name for path in broken[:5])}"
            )
