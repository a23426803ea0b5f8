"""`vidcore show curves | confusion | predictions | report RUN`."""

from __future__ import annotations

from pathlib import Path

import click

from vidcore.errors import RunError
from vidcore_report import draw
from vidcore_report.config import Report
from vidcore_report.records import read_run

_run = click.argument("run")
_split = click.option(
    "--split", default="", metavar="NAME", help="Of this split: val, test. Default: the last measured."
)


@click.command()
@_run
def curves(run: str) -> None:
    """Draw loss, figures and learning rate of RUN, a run folder, into its curves.png."""
    click.echo(draw.curves(read_run(draw.find_run(run))))


@click.command()
@_run
@_split
@click.option(
    "--max-classes", default=30, show_default=True, type=click.IntRange(2), help="Of more, the most mistaken."
)
def confusion(run: str, split: str, max_classes: int) -> None:
    """Draw which classes of RUN are taken for which, into its confusion.png."""
    _told(draw.confusion(read_run(draw.find_run(run)), Report(max_classes=max_classes), split), run)


@click.command()
@_run
@_split
@click.option("--samples", default=12, show_default=True, type=click.IntRange(1), help="Videos to show.")
def predictions(run: str, split: str, samples: int) -> None:
    """Draw videos with what RUN said of them, into its predictions.png."""
    _told(draw.contact_sheet(read_run(draw.find_run(run)), Report(samples=samples), split), run)


@click.command()
@_run
def report(run: str) -> None:
    """Write report.html of RUN: one page with every picture, the experiment and the environment."""
    click.echo(draw.page(read_run(draw.find_run(run)), Report()))


def _told(path: Path | None, run: str) -> None:
    if path is None:
        raise RunError(f"{run}: its predictions are not of one class a video; there is nothing to draw")
    click.echo(path)
