"""`vidcore data`: check data before a GPU is rented."""

from __future__ import annotations

import click

from vidcore.cli.config import set_option, source_argument
from vidcore.config.loading import load


@click.command()
@source_argument
@set_option
@click.option(
    "--split", "splits", multiple=True, type=click.Choice(["train", "val", "test"]), help="Only this; may be repeated."
)
@click.option(
    "--deep", is_flag=True, help="Also decode what the sampler would ask for; takes as long as an epoch of reading."
)
def check(source: str, sets: tuple[str, ...], splits: tuple[str, ...], deep: bool) -> None:
    """Look at every file that EXPERIMENT would read and tell what is wrong with it. Exits with 1 on an error."""
    experiment = load(source, sets=sets).experiment
    from rich.console import Console

    from vidcore.data.building import build_dataset

    console = Console(stderr=True)
    errors = total = 0
    for split in splits or [name for name in ("train", "val", "test") if getattr(experiment.data, name) is not None]:
        dataset = build_dataset(experiment.data, split)
        total += len(dataset)
        with console.status(f"looking at data.{split}, {len(dataset)} videos"):
            for finding in dataset.check(deep):
                errors += finding.level == "error"
                click.echo(f"{finding.level}: {finding.where}: {finding.text}")
        click.echo(f"data.{split}: {len(dataset)} videos, {len(dataset.classes)} classes")
    click.echo("no error found" if not errors else f"{errors} errors in {total} videos")
    if errors:
        raise click.exceptions.Exit(1)
