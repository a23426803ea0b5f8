"""`vidcore run`: train and evaluate, or go on with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vidcore.cli.config import set_option, source_argument
from vidcore.config.loading import load

if TYPE_CHECKING:
    from vidcore.config.experiment import Experiment


@click.command()
@source_argument
@set_option
@click.option("--runs", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), show_default=True,
              help="Folder of all runs.")  # fmt: skip
@click.option("--name", default="", help="Of the run's folder; left out: the experiment's name.")
@click.option("--fresh", is_flag=True, help="Begin anew; the old folder is kept under another name.")
@click.option("--device", default=None, help="Short for --set engine.device=...: auto, cpu, cuda, cuda:1, mps.")
@click.option("--dry-run", is_flag=True, help="Build and use everything once, print what a run would take, and stop.")
def run(
    source: str, sets: tuple[str, ...], runs: Path, name: str, fresh: bool, device: str | None, dry_run: bool
) -> None:
    r"""Train and evaluate EXPERIMENT: a TOML file, or the name of a recipe.

    The same command again goes on where the run stopped, or says that it is finished. Ctrl-C saves first.

    \b
    Examples:
      vidcore run quickstart
      vidcore run mine.toml --set engine.epochs=50 --name longer
      vidcore run slowonly-r50-4x16-k400 --dry-run
    """
    if device is not None:
        sets = (*sets, f"engine.device={device}")
    experiment = load(source, sets=sets).experiment
    if dry_run:
        _rehearse(experiment)
        return
    from rich.console import Console

    from vidcore.cli.progress import LiveProgress, show_result
    from vidcore.engine.runner import run as run_experiment

    console = Console()
    progress = LiveProgress(console)
    try:
        result = run_experiment(experiment, runs=runs, name=name, fresh=fresh, progress=progress)
    finally:
        progress.close()
    show_result(console, result)


def _rehearse(experiment: Experiment) -> None:
    from rich.console import Console

    from vidcore.engine.rehearsal import gib, rehearse

    console = Console()
    with console.status("") as status:
        found = rehearse(experiment, lambda text: status.update(text))
    shapes = ", ".join(f"{name} {list(shape)}" for name, shape in found.shapes.items())
    rows = {
        "parameters": f"{found.parameters / 1e6:.2f} M, {found.trainable / 1e6:.2f} M of them trained",
        "GMACs": f"{found.gmacs:.2f} for one view",
        "batch": f"{found.batch} samples: {shapes}",
        "memory": f"about {gib(found.memory_bytes)} for a step, {gib(found.free_bytes)} free",
        "videos": ", ".join(f"{split} {count}" for split, count in found.videos.items()) or "unknown: no data here",
        "epoch": f"{found.steps_per_epoch} steps" if found.steps_per_epoch else "unknown: no data here",
        "first step": f"{found.step_seconds:.1f} s, loss {found.loss:.3f}" if found.step_seconds else "not computed",
        "evaluation": ", ".join(f"{name} {value:.2f}" for name, value in found.metrics.items()) or "not computed",
    }
    for name, value in rows.items():
        console.print(f"{name:11} {value}", highlight=False, soft_wrap=True)
    for remark in found.remarks:
        console.print(f"note: {remark}", markup=False, highlight=False, soft_wrap=True)
    console.print("dry run done; nothing was kept")
