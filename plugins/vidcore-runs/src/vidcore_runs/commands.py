"""`vidcore runs list | show | compare`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from vidcore.errors import ConfigError
from vidcore.wording import nearest
from vidcore_runs import comparing, listing
from vidcore_runs.columns import aligned
from vidcore_runs.ending import State
from vidcore_runs.grouping import Group, group
from vidcore_runs.records import Run, find_run, find_runs
from vidcore_runs.showing import describe

_runs = click.option(
    "--runs", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), show_default=True,
    help="Folder of all runs; folders in it may hold runs, too.",
)  # fmt: skip


@click.command("list")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@_runs
@click.option("--state", "states", multiple=True, type=click.Choice([state.value for state in State]),
              help="Only runs of this state; may be repeated.")  # fmt: skip
@click.option("--where", multiple=True, metavar="KEY=VALUE",
              help="Only runs with this in their configuration, e.g. model=slowonly; may be repeated.")  # fmt: skip
@click.option("--sort", type=click.Choice(listing.SORTS), default="name", show_default=True)
@click.option("--reverse", is_flag=True, help="The other way round.")
@click.option("--json", "as_json", is_flag=True, help="One JSON table a line, for programs.")
def list_runs(
    patterns: tuple[str, ...], runs: Path, states: tuple[str, ...], where: tuple[str, ...], sort: str, reverse: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Runs of a folder whose names match a PATTERN, or all: state, epochs, best figure, when, how long.

    A run is `running`, `finished`, `stopped` (by a signal), `failed`, or was `killed` and could say nothing.

    \b
    Examples:
      vidcore runs list
      vidcore runs list 'utd-*' --sort best
      vidcore runs list --state failed --state killed
      vidcore runs list --where model=slowonly --where engine.epochs=30
    """
    found = listing.ordered(listing.chosen(find_runs(runs, _tell), patterns, states, where), sort, reverse)
    if as_json:
        for run in found:
            click.echo(json.dumps(listing.as_table(run)))
    elif not found:
        click.echo(f"no such run in {runs}")
    else:
        for text in aligned(listing.HEAD, map(listing.line, found), listing.RIGHT):
            click.echo(text)


@click.command()
@click.argument("run")
@_runs
def show(run: str, runs: Path) -> None:
    """What RUN was, what it reached, where its time went, which videos it could not read, and how it ended.

    RUN is a run folder, or the name of one in the folder of all runs.
    """
    for text in describe(find_run(run, runs)):
        click.echo(text)


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="RUN...")
@_runs
@click.option("--metric", "figures", multiple=True, metavar="NAME", help="Only this figure; may be repeated.")
@click.option("--split", default="", help="Of the figures: val or test. Default: test where all runs have it.")
@click.option("--each-seed", is_flag=True, help="Keep runs apart that are equal but for their seed.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), default=Path("compare.png"),
              show_default=True, help="The picture of their curves.")  # fmt: skip
@click.option(
    "--bootstrap",
    is_flag=True,
    help="How sure is a difference to the first? From the saved predictions; of --metric, or of the best's figure.",
)
@click.option("--draws", default=1000, show_default=True, type=click.IntRange(10), help="Of the bootstrap.")
@click.option("--confidence", default=0.95, show_default=True, type=click.FloatRange(0.5, 0.9999))
def compare(
    names: tuple[str, ...], runs: Path, figures: tuple[str, ...], split: str, each_seed: bool, output: Path,
    bootstrap: bool, draws: int, confidence: float,
) -> None:  # fmt: skip
    """Figures of several runs side by side, what their configurations differ in, and their curves as a picture.

    RUN is a run folder, the name of one in the folder of all runs, or a folder of runs. Runs that are equal but for
    `seed` are one row: mean and deviation. `--bootstrap` draws the samples of the split again and again, the same for
    every run, and tells the interval in which a difference to the first run lies.

    \b
    Examples:
      vidcore runs compare small large
      vidcore runs compare runs/sweep --metric top1
      vidcore runs compare small-0 small-1 large-0 large-1 --bootstrap
    """
    groups = group(_unique(run for name in names for run in _expand(name, runs)), by_seed=not each_seed)
    known = comparing.figures_known(groups)
    for name in figures:
        if name not in known:
            there = ", ".join(known) or "none yet"
            raise ConfigError(f"--metric: no run has a figure {name!r}{nearest(name, known)}; there are: {there}")
    split = split or comparing.common_split(groups)
    for text in comparing.reached(groups, split, figures):
        click.echo(text)
    if len(groups) > 1:
        click.echo()
        for text in comparing.configurations(groups):
            click.echo(text)
    _draw(groups, output, figures)
    if bootstrap:
        _bootstrap(groups, split, figures, draws, confidence)


def _expand(name: str, runs: Path) -> list[Run]:
    """The run of that name, or all of a folder that holds some."""
    for folder in (Path(name), runs / name):
        if folder.is_dir() and not (folder / "experiment.toml").exists() and (found := list(find_runs(folder, _tell))):
            for run in found:
                run.name = f"{folder.name}/{run.name}"
            return found
    return [find_run(name, runs)]


def _tell(why: str) -> None:
    click.echo(why, err=True)


def _unique(runs: Iterable[Run]) -> list[Run]:
    return list({run.folder.resolve(): run for run in runs}.values())


def _draw(groups: Sequence[Group], output: Path, figures: tuple[str, ...]) -> None:
    from vidcore_runs import overlay

    shown = groups[: overlay.MOST_GROUPS]
    panels = overlay.draw(shown, output, figures)
    left_out = f"; {len(groups) - len(shown)} more would not be told apart" if len(groups) > len(shown) else ""
    click.echo(f"\ncurves: {output} ({', '.join(panels)}{left_out})")


def _bootstrap(groups: Sequence[Group], split: str, figures: tuple[str, ...], draws: int, confidence: float) -> None:
    if len(groups) < 2:
        raise ConfigError("--bootstrap compares with the first run: name another that differs in more than its seed")
    from vidcore_runs.bootstrap import compare as differ

    first, *others = groups
    figures = figures or tuple(run.best.metric for run in first.runs[:1] if run.best)
    for other in others:
        with click.progressbar(length=100, label=f"drawing samples for {other.name}", file=sys.stderr) as bar:

            def progress(done: float, bar: Any = bar) -> None:
                bar.update(int(100 * done) - bar.pos)

            found = differ(
                first, other, split=split, figures=figures, draws=draws, confidence=confidence, progress=progress
            )
        click.echo()
        for text in comparing.intervals(first, other, found, split, confidence):
            click.echo(text)
