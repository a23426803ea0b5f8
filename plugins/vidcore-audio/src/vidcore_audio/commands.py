"""`vidcore data audio-features`: spectrograms of many sounds, computed once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click

from vidcore.errors import DataError


@click.command()
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@click.option("--sample-rate", default=16_000, show_default=True, help="Samples a second that sounds are resampled to.")
@click.option("--window", default=32.0, show_default=True, help="Milliseconds of a window.")
@click.option("--step", default=16.0, show_default=True, help="Milliseconds from one row to the next.")
@click.option("--bands", default=80, show_default=True, help="Bands of the mel scale.")
@click.option("--scale", default="log", show_default=True, type=click.Choice(["power", "log"]), help="What is written.")
@click.option(
    "--part", default="1/1", show_default=True, help="Only every n-th file, such as 2/5, for several machines."
)
def audio_features(
    source: Path, target: Path, sample_rate: int, window: float, step: float, bands: int, scale: str, part: str
) -> None:
    """Write the mel spectrogram of every sound or video below SOURCE to TARGET, as float32 .npy [time, band].

    Names and folders stay, only the suffix changes. What is there already is not made again, so a run that was
    stopped goes on. Files without a sound that can be read are named at the end; then the command exits with 1.
    """
    import numpy as np

    from vidcore_audio.reading import WaveformReader
    from vidcore_audio.spectrograms import MelSpectrogram
    from vidcore_audio.transform_config import MelSpectrogram as Options

    try:
        options = Options(window=window, step=step, bands=bands, scale=scale)  # type: ignore[arg-type]
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    read, transform = WaveformReader(sample_rate), MelSpectrogram(options)
    bad, made, there = [], 0, 0
    for path, output in _files(source, target, part):
        if output.exists():
            there += 1
            continue
        try:
            features = transform.change(read(path), None).values
        except DataError as error:
            bad.append(str(error))
            continue
        output.parent.mkdir(parents=True, exist_ok=True)
        unfinished = output.with_name(f"{output.name}.{os.getpid()}.tmp")
        with unfinished.open("wb") as file:
            np.save(file, np.ascontiguousarray(features))
        unfinished.replace(output)
        made += 1
    click.echo(f"{made} written, {there} were there, {len(bad)} cannot be used; {1000 / step:g} rows a second")
    if bad:
        click.echo("\n".join(bad), err=True)
        raise click.exceptions.Exit(1)


def _files(source: Path, target: Path, part: str) -> Iterator[tuple[Path, Path]]:
    """The files of this part, sorted, and what is made of each."""
    which, _, count = part.partition("/")
    if not (which.isdecimal() and count.isdecimal() and 1 <= int(which) <= int(count)):
        raise click.BadParameter(f"{part!r} is not of the form 2/5", param_hint="--part")
    files = sorted(path for path in source.rglob("*") if path.is_file() and target not in path.parents)
    outputs = {path: (target / path.relative_to(source)).with_suffix(".npy") for path in files}
    if len(set(outputs.values())) < len(files):
        raise click.UsageError(f"files in {source} differ in their suffix alone; put them into folders of their own")
    yield from list(outputs.items())[int(which) - 1 :: int(count)]
