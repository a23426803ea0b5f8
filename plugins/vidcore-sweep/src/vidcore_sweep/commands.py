"""`vidcore sweep`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from vidcore.wording import counted
from vidcore_runs.columns import aligned, duration, number
from vidcore_sweep.reading import Plan, read_sweep, set_options, trial_name
from vidcore_sweep.trials import FAILED, Trial, Trials


@click.command()
@click.argument("file", metavar="SWEEP.toml", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("run_options", nargs=-1, type=click.UNPROCESSED, metavar="[-- OPTIONS OF RUN]")
@click.option("--runs", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), show_default=True,
              help="Folder of all runs; the sweep is a folder in it.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Check every value, list the trials, and run none.")
def sweep(file: Path, run_options: tuple[str, ...], runs: Path, dry_run: bool) -> None:
    """Run an experiment with many values, one after the other, and tell what came of each.

    Every mistake is told before the first run. The same command again goes on where the sweep was stopped or killed.
    A trial that fails is told, and the others are run. Exits with 1 when one failed.

    \b
    SWEEP.toml:
      experiment = "mine.toml"           # or a recipe
      search     = "grid"                # or { type = "random", trials = 20, seed = 0 }
      set        = ["engine.epochs=5"]   # for every trial
      [parameters]
      optimizer.lr = [0.01, 0.1]         # for random also: { low = 0.001, high = 0.1, log = true }
      model.depth  = [18, 50]

    \b
    Examples:
      vidcore sweep lr.toml --dry-run
      vidcore sweep lr.toml -- --device cuda:1
    """
    plan = read_sweep(file)
    if dry_run:
        for line in _trials(plan):
            click.echo(line)
        return
    trials = Trials(plan=plan, folder=runs / plan.name, run_options=run_options, tell=click.echo).run()
    click.echo()
    for line in _table(trials):
        click.echo(line)
    click.echo(f"\ncurves and differences: vidcore runs compare {runs / plan.name}")
    failed = sum(trial.state == FAILED for trial in trials)
    if failed:
        click.echo(f"{failed} of {counted(len(trials), 'trial')} failed; the same command tries them again")
        raise click.exceptions.Exit(1)


def _trials(plan: Plan) -> Iterator[str]:
    known = 0
    while (values := plan.search.values(known, [])) is not None:
        yield f"{trial_name(values)}: {' '.join(f'--set {option}' for option in set_options(values))}"
        known += 1
        if getattr(plan.search, "adaptive", False):
            yield "the next trials depend on what comes of the first"
            return
    yield f"{counted(known, 'trial')} of {plan.source}"


def _table(trials: Sequence[Trial]) -> Iterator[str]:
    """The best first; what has no figure last."""

    def rank(trial: Trial) -> tuple[bool, float]:
        best = trial.run.best if trial.run else None
        return (best is None, 0.0 if best is None else best.value if best.lower else -best.value)

    rows = []
    for trial in sorted(trials, key=rank):
        best = trial.run.best if trial.run else None
        value = f"{best.metric} {number(best.value)}" if best else ""
        took = duration(trial.run.seconds) if trial.run else ""
        rows.append([str(trial.number + 1), trial.name, trial.state, value, took])
    yield from aligned(("trial", "values", "state", "best", "took"), rows, right=("trial", "took"))
