"""`vidcore predict`: what is in these videos?"""

from __future__ import annotations

import json
from pathlib import Path

import click

from vidcore.errors import ConfigError, DataError
from vidcore.wording import counted


@click.command()
@click.argument("videos", nargs=-1, required=True, metavar="VIDEO...")
@click.option("--run", "run_folder", type=click.Path(file_okay=False, path_type=Path), help="A run of yours.")
@click.option("--weights", default=None, help="A file, an address, or the name of published weights.")
@click.option("--recipe", default=None, help="How the weights are used, where they do not say it themselves.")
@click.option("--top-k", default=5, show_default=True, type=click.IntRange(min=1), help="Classes shown for each video.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
def predict(
    videos: tuple[str, ...], run_folder: Path | None, weights: str | None, recipe: str | None, top_k: int, device: str,
    as_json: bool,
) -> None:  # fmt: skip
    """What is in these videos? Prints the classes with the highest scores.

    A video that cannot be read is named and the others go on; then the exit code is 1.

    \b
    Examples:
      vidcore predict clip.mp4 --run runs/quickstart
      vidcore predict *.mp4 --weights slowfast-r50-4x16-k400 --top-k 3
    """
    if run_folder is None and weights is None and recipe is None:
        raise ConfigError("give --run FOLDER, --weights FILE|NAME, or --recipe NAME for its published weights")
    from vidcore.inference import Predictor

    predictor = Predictor(recipe, run=run_folder, weights=weights, device=device)
    failed = 0
    for index, video in enumerate(videos):
        try:
            found = predictor.top_k(predictor.predict(video, index), top_k)
        except DataError as error:
            failed += 1
            click.echo(f"{video}: {error}" if video not in str(error) else str(error), err=True)
            continue
        if as_json:
            click.echo(json.dumps({"video": video, "scores": dict(found)}))
        else:
            click.echo(video)
            for name, score in found:
                click.echo(f"  {score:7.2%}  {name}")
    if failed:
        click.echo(f"{failed} of {counted(len(videos), 'video')} could not be used", err=True)
        raise click.exceptions.Exit(1)
