"""`vidcore stages`, and what `vidcore run` does with a file that has stages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vidcore.cli.config import set_option, source_argument
from vidcore.cli.lazy import find_command
from vidcore.config.layers import parse_set
from vidcore.config.loading import read_layers, stage_names
from vidcore.errors import ConfigError
from vidcore.wording import counted
from vidcore_stages.planning import Stage, callbacks_of, plan

_runs_option = click.option(
    "--runs", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), show_default=True,
    help="Folder of all runs.",
)  # fmt: skip
_name_option = click.option("--name", default="", help="Of the run's folder; left out: the experiment's name.")


@click.command()
@source_argument
@set_option
@_runs_option
@_name_option
@click.option("--check", is_flag=True, help="Only find mistakes.")
def stages(source: str, sets: tuple[str, ...], runs: Path, name: str, check: bool) -> None:
    """List the stages of EXPERIMENT: their order, what each reads, what is done. `vidcore run` runs them.

    \b
    Examples:
      vidcore stages bsn.toml
      vidcore run bsn.toml                 # all that is not finished
      vidcore run bsn.toml --from pem      # this one and what reads from it anew
      vidcore config show bsn.toml#pem     # one of them, as an experiment of its own
    """
    planned = _plan(source, sets)
    if check:
        click.echo(f"{source}: good (stages {', '.join(stage.name for stage in planned)})")
    else:
        _list(planned, _folder(source, sets, runs, name))


@click.command()
@source_argument
@set_option
@_runs_option
@_name_option
@click.option("--from", "start", default="", metavar="STAGE", help="Run this stage and what follows anew.")
@click.option("--fresh", is_flag=True, help="Begin anew; the old folder is kept under another name.")
@click.option("--nproc", default=1, type=click.IntRange(1), help="Processes that train together.")
@click.option("--max-restarts", default=0, type=click.IntRange(0), help="How often to start again when a process dies.")
@click.option("--dry-run", is_flag=True, help="Use every experiment once, and keep nothing.")
@click.pass_context
def run_stages(
    context: click.Context, source: str, sets: tuple[str, ...], runs: Path, name: str, start: str, fresh: bool,
    nproc: int, max_restarts: int, dry_run: bool,
) -> None:  # fmt: skip
    """Run all stages of EXPERIMENT that are not finished; `vidcore run` comes here with a file that has stages."""
    planned = _plan(source, sets)
    if dry_run:
        _rehearse(context, planned, sets)
        return
    from rich.console import Console

    from vidcore.engine.events import Events
    from vidcore.engine.run_folder import set_aside
    from vidcore_stages.running import Workshop, run_all

    console, folder = Console(), _folder(source, sets, runs, name)
    if fresh and (kept := set_aside(folder)) is not None:
        console.print(f"the earlier run is kept as {kept}", highlight=False, soft_wrap=True)
    base = Path(source).absolute().parent if Path(source).exists() else Path.cwd()
    workshop, table = Workshop(folder=folder, base=base), _table(source, sets)

    def train(stage: Stage, found: tuple[str, ...]) -> None:
        _train(context, stage, (*sets, *found), folder / "stages", (nproc, max_restarts))

    def say(text: str, *, title: bool = False) -> None:
        (console.rule if title else console.print)(text, **({"align": "left"} if title else {"soft_wrap": True}))

    device = str(table.get("engine", {}).get("device", "auto"))
    events = Events(callbacks_of(table))
    run_all(planned, workshop, table=table, train=train, start=start, device=device, events=events, say=say)
    for name, count in events.failures.items():
        say(f"callback {name!r} failed {counted(count, 'time')}")
    console.print(
        f"{counted(len(planned), 'stage is', 'stages are')} finished: {folder / 'stages'}",
        highlight=False,
        soft_wrap=True,
    )


def _plan(source: str, sets: tuple[str, ...]) -> list[Stage]:
    if not stage_names(source):
        raise ConfigError(f"{source} has no [stage.NAME] tables; `vidcore run {source}` runs it")
    return plan(source, sets)


def _table(source: str, sets: tuple[str, ...]) -> dict[str, Any]:
    return read_layers(source, [parse_set(option) for option in sets]).table


def _folder(source: str, sets: tuple[str, ...], runs: Path, name: str) -> Path:
    return runs / (name or str(_table(source, sets).get("name") or Path(source).stem))


def _list(planned: list[Stage], folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from vidcore_stages.running import Workshop, state_of

    workshop, table = Workshop(folder=folder, base=Path()), Table("stage", "type", "reads from", "writes", "state")
    for stage in planned:
        state = state_of(stage, workshop.stage(stage.name))
        table.add_row(stage.name, stage.type, ", ".join(stage.needs), ", ".join(stage.artifacts), state)
    Console().print(table)


def _rehearse(context: click.Context, planned: list[Stage], sets: tuple[str, ...]) -> None:
    """Every experiment once, without what other stages would have written."""
    for stage in planned:
        if stage.type != "train":
            click.echo(f"stage {stage.name} ({stage.type}): its options are good")
            continue
        click.echo(f"stage {stage.name}:")
        open_ends = [ref.path for ref in stage.references]
        own = [f"stage.{stage.name}.model.weights=''" for path in open_ends if path == ("model", "weights")]
        context.invoke(find_command("run", "dry-run"), source=stage.source, sets=(*sets, *own))


def _train(context: click.Context, stage: Stage, sets: tuple[str, ...], runs: Path, processes: tuple[int, int]) -> None:
    """`vidcore run FILE#STAGE`, here or in several processes."""
    from vidcore.cli.run import run

    nproc, max_restarts = processes
    if nproc > 1 or max_restarts:
        options = [part for option in sets for part in ("--set", option)]
        command = ("run", stage.source, "--runs", str(runs), "--name", stage.name, *options)
        context.invoke(find_command("", "launch"), nproc=nproc, max_restarts=max_restarts, command=command)
        return
    context.invoke(run, source=stage.source, sets=sets, runs=runs, name=stage.name)
