"""`vidcore run`: train and evaluate, or go on with it.

How a run is shown is a component of kind `watcher`: made from its config's defaults, it has `accepts(experiment)`,
hears the events of the run, is closed when it ends (`close()`), and shows what came of it (`show(result)`). Where no
plugin brings one, the lines of the log are shown.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from pathlib import Path

import click

from vidcore.cli.config import set_option, source_argument
from vidcore.cli.lazy import find_command
from vidcore.config.loading import load, stage_names
from vidcore.errors import ConfigError
from vidcore.plugins.asking import first_that_accepts


@click.command()
@source_argument
@set_option
@click.option("--runs", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), show_default=True,
              help="Folder of all runs.")  # fmt: skip
@click.option("--name", default="", help="Of the run's folder; left out: the experiment's name.")
@click.option("--fresh", is_flag=True, help="Begin anew; the old folder is kept under another name.")
@click.option("--device", default=None, help="Short for --set engine.device=...: auto, cpu, cuda, cuda:1, mps.")
@click.option("--nproc", default=1, type=click.IntRange(1), help="Processes on this machine that train together.")
@click.option("--max-restarts", default=0, type=click.IntRange(0), help="How often to start again when a process dies.")
@click.option(
    "--from", "start", default="", metavar="STAGE", help="Run this stage of EXPERIMENT and what follows anew."
)
@click.option("--dry-run", is_flag=True, help="Build and use everything once, print what a run would take, and stop.")
def run(
    source: str, sets: tuple[str, ...], runs: Path, name: str, fresh: bool, device: str | None, nproc: int,
    max_restarts: int, start: str, dry_run: bool,
) -> None:  # fmt: skip
    """Train and evaluate EXPERIMENT: a TOML file, or the name of a recipe.

    The same command again goes on where the run stopped, or says that it is finished. Ctrl-C saves first.

    \b
    Examples:
      vidcore run quickstart
      vidcore run mine.toml --set engine.epochs=50 --name longer
      vidcore run slowonly-r50-4x16-k400 --dry-run
      vidcore run mine.toml --nproc 8
      vidcore run mine.toml --from finetune      (a file with stages)
    """
    if device is not None:
        sets = (*sets, f"engine.device={device}")
    context = click.get_current_context()
    if stage_names(source):
        several = {"nproc": nproc, "max_restarts": max_restarts}
        folder = {"runs": runs, "name": name, "fresh": fresh, "start": start}
        context.invoke(find_command("run", "stages"), source=source, sets=sets, dry_run=dry_run, **folder, **several)
        return
    if start:
        raise ConfigError(f"--from {start}: {source} has no stages; --fresh begins a run anew")
    if dry_run:
        context.invoke(find_command("run", "dry-run"), source=source, sets=sets)
        return
    experiment = load(source, sets=sets).experiment
    if (nproc > 1 or max_restarts) and "WORLD_SIZE" not in os.environ:  # it is in those that this starts
        launch = find_command("", "launch")
        context.invoke(launch, nproc=nproc, max_restarts=max_restarts, command=sys.argv[1:])
        return
    from vidcore.engine.runner import run as run_experiment

    watcher = first_that_accepts("watcher", experiment)
    if watcher is None:
        logging.basicConfig(format="%(message)s", stream=sys.stdout)
    with contextlib.nullcontext() if watcher is None else contextlib.closing(watcher):
        result = run_experiment(experiment, runs=runs, name=name, fresh=fresh, progress=watcher)
    if watcher is not None:
        watcher.show(result)
        return
    remarks = [] if result.state == "trained" else result.remarks  # which the log has told
    for text in (*remarks, *(f"{name:16} {value:.4f}" for name, value in result.metrics.items())):
        click.echo(text)
    click.echo(f"{result.state}: {result.folder}")
