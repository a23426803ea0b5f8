"""`vidcore data audio-features`: spectrograms of many sounds, computed once."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from vidcore_prepare.options import HowToRun, make_all, run_options


@click.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@click.option("--sample-rate", default=16_000, show_default=True, help="Samples a second that sounds are resampled to.")
@click.option("--window", default=32.0, show_default=True, help="Milliseconds of a window.")
@click.option("--step", default=16.0, show_default=True, help="Milliseconds from one row to the next.")
@click.option("--bands", default=80, show_default=True, help="Bands of the mel scale.")
@click.option("--scale", default="log", show_default=True, type=click.Choice(["power", "log"]), help="What is written.")
@run_options
def audio_features(
    source: Path, target: Path, sample_rate: int, window: float, step: float, bands: int,
    scale: Literal["power", "log"], how: HowToRun,
) -> None:  # fmt: skip
    """Write the mel spectrogram of every sound or video below SOURCE to TARGET, as float32 .npy [time, band].

    Names and folders stay, only the suffix changes. What is there is kept, so a command that was stopped goes on when
    it is given again. Files without a sound that can be read are listed in failed.txt; then the command exits with 1.

    \b
    Examples:
      vidcore data audio-features sounds spectrograms
      vidcore data audio-features videos spectrograms --sample-rate 8000 --workers 8
    """
    from vidcore_audio.feature_files import WriteFeatures
    from vidcore_audio.transform_config import MelSpectrogram
    from vidcore_prepare.files import SOUND_SUFFIXES, items_of

    try:
        options = MelSpectrogram(window=window, step=step, bands=bands, scale=scale)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    items = items_of(source, target, ".npy", SOUND_SUFFIXES)
    work = WriteFeatures(sample_rate=sample_rate, options=options)
    make_all(items, work, target, how, title="computing spectrograms", what="spectrograms")
    click.echo(f"{1000 / step:g} rows a second: rate = {1000 / step:g} of the data set audio-features")
