"""`vidcore slurm run`: an experiment as a job of a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from vidcore.config.loading import load, stage_names
from vidcore.errors import ConfigError, RunError

if TYPE_CHECKING:
    import submitit


@click.group()
def slurm() -> None:
    """Run experiments as Slurm jobs, which go on after pre-emption and time limits."""


@slurm.command()
@click.argument("experiment")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="As of `vidcore run`.")
@click.option("--runs", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), show_default=True,
              help="Folder of all runs, on a disk that all machines see.")  # fmt: skip
@click.option("--name", default="", help="Of the run's folder and of the job; left out: the experiment's name.")
@click.option("--fresh", is_flag=True, help="Begin anew, at the first attempt only.")
@click.option("--nodes", default=1, show_default=True, type=click.IntRange(min=1), help="Machines.")
@click.option("--gpus-per-node", default=0, type=click.IntRange(min=0), help="GPUs of each, one process a GPU.")
@click.option("--processes-per-node", type=click.IntRange(min=1), help="Left out: one a GPU, or one.")
@click.option("--time", "time_limit", default="60", show_default=True, help="Of one attempt: minutes, or H:M:S.")
@click.option("--max-timeouts", default=100, show_default=True, type=click.IntRange(min=0),
              help="Attempts that may use up their time before the job is given up.")  # fmt: skip
@click.option("--signal-seconds", default=120, show_default=True, type=click.IntRange(min=1),
              help="How long before the end of its time an attempt saves.")  # fmt: skip
@click.option("--partition", help="As of sbatch.")
@click.option("--account", help="As of sbatch.")
@click.option("--qos", help="As of sbatch.")
@click.option("--constraint", help="As of sbatch.")
@click.option("--mem", help="As of sbatch, such as 64G.")
@click.option("--cpus-per-task", help="As of sbatch; workers that read data need some.")
@click.option("--sbatch", "others", multiple=True, metavar="KEY=VALUE", help="Any other option of sbatch.")
@click.option("--setup", multiple=True, metavar="LINE", help="A line of the batch script before the run.")
@click.option("--cluster", type=click.Choice(["slurm", "local"]), default="slurm", help="local: on this machine.")
@click.option("--wait", is_flag=True, help="Come back when the job has ended.")
@click.option("--dry-run", is_flag=True, help="Print the batch script and submit nothing.")
def run(
    experiment: str, sets: tuple[str, ...], runs: Path, name: str, fresh: bool, nodes: int, gpus_per_node: int,
    processes_per_node: int | None, time_limit: str, max_timeouts: int, signal_seconds: int, partition: str | None,
    account: str | None, qos: str | None, constraint: str | None, mem: str | None, cpus_per_task: str | None,
    others: tuple[str, ...], setup: tuple[str, ...], cluster: Literal["slurm", "local"], wait: bool, dry_run: bool,
) -> None:  # fmt: skip
    """Run EXPERIMENT as a job. It is read here first, so a mistake in it is told before the job waits in a queue.

    \b
    Examples:
      vidcore slurm run mine.toml --gpus-per-node 8 --partition gpu --time 24:00:00
      vidcore slurm run mine.toml --nodes 2 --gpus-per-node 8 --sbatch reservation=cvpr --dry-run
      vidcore slurm run mine.toml --cluster local --processes-per-node 2 --wait
    """
    from vidcore_slurm.jobs import Wanted, minutes, script, submit

    name = name or (Path(experiment).stem if stage_names(experiment) else load(experiment, sets=sets).experiment.name)
    given = {
        "partition": partition, "account": account, "qos": qos, "constraint": constraint, "mem": mem,
        "cpus-per-task": cpus_per_task,
    }  # fmt: skip
    runs = runs.absolute()
    wanted = Wanted(
        name=name,
        folder=runs / ".slurm" / "%j",
        minutes=minutes(time_limit),
        nodes=nodes,
        gpus_per_node=gpus_per_node,
        processes_per_node=processes_per_node or gpus_per_node or 1,
        signal_seconds=signal_seconds,
        max_timeouts=max_timeouts,
        setup=setup,
        options={key: value for key, value in given.items() if value is not None} | dict(map(_pair, others)),
    )
    if dry_run:
        click.echo(script(wanted))
        return
    options = [part for text in sets for part in ("--set", text)] + (["--fresh"] if fresh else [])
    job = submit(wanted, ("run", experiment, "--runs", str(runs), "--name", name, *options), cluster)
    click.echo(f"job {job.job_id}: {name}; it prints to {job.paths.stdout}, the run is {runs / name}")
    if wait:
        _wait(job)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(f"--sbatch {text}: is not KEY=VALUE, such as --sbatch reservation=mine")
    return key.removeprefix("--"), value


def _wait(job: submitit.Job[str]) -> None:
    from submitit.core.utils import FailedJobError, UncompletedJobError

    try:
        job.results()
    except (UncompletedJobError, FailedJobError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise RunError(f"job {job.job_id} has failed: {reason}; {job.paths.stdout} tells more") from error
    click.echo(f"job {job.job_id} has finished")
