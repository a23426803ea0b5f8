"""`vidcore data features`: features of raw videos for models of localization."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from vidcore.errors import ConfigError
from vidcore.wording import counted


@click.command()
@click.argument("videos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--run", "run_folder", type=click.Path(file_okay=False, path_type=Path), help="Model of this run.")
@click.option("--weights", default="", help="A file, an address, or the name of published weights.")
@click.option("-o", "--output", "--out", "out", type=click.Path(file_okay=False, path_type=Path), required=True,
              help="Folder that NAME.npy of each video is written into.")  # fmt: skip
@click.option("--interval", type=click.IntRange(1), default=16, show_default=True,
              help="Frames from one moment to the next.")  # fmt: skip
@click.option("--window", type=click.IntRange(1), default=None,
              help="Frames around a moment that the model sees; left out: as far as its clips reach.")  # fmt: skip
@click.option("--what", type=click.Choice(["features", "scores"]), default="features", show_default=True,
              help="Pooled maps, or scores of the classes.")  # fmt: skip
@click.option("--maps", type=click.IntRange(1), default=1, show_default=True,
              help="Last maps that are joined; 2 for a model with two pathways.")  # fmt: skip
@click.option("--batch", type=click.IntRange(1), default=8, show_default=True, help="Moments at once.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
def features(
    videos: tuple[Path, ...], run_folder: Path | None, weights: str, out: Path, interval: int, window: int | None,
    what: Literal["features", "scores"], maps: int, batch: int, device: str,
) -> None:  # fmt: skip
    """Extract features of VIDEOS, files or folders of them, with any recognition model. Those that are there are kept.

    A model that looks at optical flow takes folders of flow, as `vidcore data flow` writes them.

    \b
    Examples:
      vidcore data features videos/ --run runs/mine --output features
      vidcore data features videos/ --weights slowonly-r50-8x8-k400 --output features --interval 16
    """
    from vidcore.inference import Predictor
    from vidcore_localization.extraction import FeatureExtractor, extract_files, videos_of
    from vidcore_localization.feature_config import Extraction

    if bool(run_folder) == bool(weights):
        raise ConfigError("give --run FOLDER or --weights FILE|NAME, one of them")
    predictor = Predictor(run=run_folder, device=device) if run_folder else Predictor(weights=weights, device=device)
    options = Extraction(interval=interval, window=window, what=what, maps=maps, batch=batch)
    extractor = FeatureExtractor(predictor, options)
    files = videos_of(videos, extractor.is_video)
    broken = extract_files(extractor, files, out, click.echo)
    if broken:
        click.echo(f"{len(broken)} of {counted(len(files), 'video')} could not be read", err=True)
        raise click.exceptions.Exit(1)
