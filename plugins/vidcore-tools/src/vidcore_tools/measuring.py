"""`vidcore test`: measure weights on a split of an experiment."""

from __future__ import annotations

from pathlib import Path

import click

from vidcore.cli.config import set_option
from vidcore.config.loading import load
from vidcore.errors import ConfigError


@click.command()
@click.argument("source", metavar="[EXPERIMENT]", default="")
@click.option("--run", "run_folder", type=click.Path(file_okay=False, path_type=Path), help="Weights of this run.")
@click.option("--weights", default="", help="A file, an address, or the name of published weights.")
@click.option("--split", type=click.Choice(["train", "val", "test"]), default="test", show_default=True,
              help="Which data; test falls back to val where there is none.")  # fmt: skip
@click.option(
    "-o",
    "--output",
    "--dump",
    "dump",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the predictions to this file (.jsonl).",
)
@click.option("--device", default=None, help="auto, cpu, cuda, cuda:1, mps.")
@set_option
def test(
    source: str, run_folder: Path | None, weights: str, split: str, dump: Path | None, device: str | None,
    sets: tuple[str, ...],
) -> None:  # fmt: skip
    """Evaluate weights on the test data of EXPERIMENT; left out, the experiment of --run.

    \b
    Examples:
      vidcore test --run runs/quickstart
      vidcore test slowfast-r50-4x16-k400 --weights slowfast-r50-4x16-k400 --set data.root=/data/k400
    """
    if bool(run_folder) == bool(weights):
        raise ConfigError("give --run FOLDER or --weights FILE|NAME, one of them")
    if not source:
        if run_folder is None:
            raise ConfigError("give the EXPERIMENT whose test data --weights are measured on")
        source = str(run_folder / "experiment.toml")
    if device is not None:
        sets = (*sets, f"engine.device={device}")
    experiment = load(source, sets=sets).experiment
    from rich.console import Console
    from rich.progress import Progress

    from vidcore.engine.measuring import measure_weights
    from vidcore.inference import weights_of_run

    if run_folder is not None:
        weights = str(weights_of_run(run_folder))
    console = Console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"measuring on {split}", total=None)
        measured = measure_weights(
            experiment, weights, split=split, output=dump,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )  # fmt: skip
    for name, value in measured.metrics.items():
        click.echo(f"{name:16} {value:.4f}")
    if dump is not None:
        click.echo(f"predictions: {dump}")
