"""`vidcore data check`: look at data before a GPU is rented."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vidcore.cli.config import set_option, source_argument
from vidcore.config.loading import load
from vidcore.wording import counted
from vidcore_prepare.processes import available_workers

if TYPE_CHECKING:
    from vidcore.interfaces import Dataset, Finding


@click.command()
@source_argument
@set_option
@click.option("--split", "splits", multiple=True, type=click.Choice(["train", "val", "test"]),
              help="Only this; may be repeated.")  # fmt: skip
@click.option("--deep", is_flag=True,
              help="Also decode what the sampler would ask for; takes as long as an epoch of reading.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1), help="Processes that read; left out: one for each processor.")
@click.option("--cleaned", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
              help="Write each list without its bad rows into FOLDER.")  # fmt: skip
def check(
    source: str, sets: tuple[str, ...], splits: tuple[str, ...], deep: bool, workers: int | None, cleaned: Path | None
) -> None:
    """Look at every file that EXPERIMENT would read and tell what is wrong with it.

    Labels and class names, files that are missing, empty or may not be read, boxes and key frames of annotations,
    files that training shares with validation or test, also as copies under another name. With --deep each sample is
    read as training would. Exits with 1 where there is an error.

    \b
    Examples:
      vidcore data check mine.toml
      vidcore data check mine.toml --deep --workers 8
      vidcore data check mine.toml --deep --cleaned good-lists
    """
    data = load(source, sets=sets).experiment.data
    from vidcore_prepare.checking import build_splits, other_classes, shared

    wanted = splits or tuple(name for name in ("train", "val", "test") if getattr(data, name) is not None)
    datasets, problems = build_splits(data, wanted)
    for finding in problems:
        _tell(finding)
    for split, dataset in datasets.items():
        problems += _told(_of_split(split, dataset, deep, workers or available_workers()))
        click.echo(
            f"data.{split}: {counted(len(dataset), 'video')}, {counted(len(dataset.classes), 'class', 'classes')}"
        )
    if datasets:
        problems += _told([*other_classes(datasets), *shared(datasets)])
    errors = [finding for finding in problems if finding.level == "error"]
    if cleaned is not None:
        _clean(datasets, errors, cleaned)
        for split in wanted:
            if split not in datasets:
                click.echo(f"not cleaned: data.{split} cannot be used as it is, mend it first", err=True)
    total = sum(map(len, datasets.values()))
    click.echo("no error found" if not errors else f"{counted(len(errors), 'error')} in {counted(total, 'video')}")
    if errors:
        raise click.exceptions.Exit(1)


def _of_split(split: str, dataset: Dataset, deep: bool, workers: int) -> Iterable[Finding]:
    from rich.console import Console

    from vidcore.data.loader import where
    from vidcore_prepare.checking import Row, unreadable

    with Console(stderr=True).status(f"looking at data.{split}, {counted(len(dataset), 'video')}"):
        found = list(dataset.check(False))
    yield from found
    if deep:
        rows = {Row.of(finding.where) for finding in found if finding.level == "error"} - {None}
        names = (where(dataset, index) for index in range(len(dataset)))
        yield from unreadable(
            dataset, split, workers, frozenset(name for name in names if Row.of(name) in rows), show=True
        )


def _told(findings: Iterable[Finding]) -> list[Finding]:
    told = []
    for finding in findings:
        _tell(finding)
        told.append(finding)
    return told


def _tell(finding: Finding) -> None:
    click.echo(f"{finding.level}: {finding.where}: {finding.text}")


def _clean(datasets: Mapping[str, Dataset], errors: Iterable[Finding], folder: Path) -> None:
    from vidcore.data.loader import where
    from vidcore.errors import DataError
    from vidcore_prepare.checking import Row
    from vidcore_prepare.cleaning import write_cleaned

    bad = [row for finding in errors if (row := Row.of(finding.where)) is not None]
    for split, dataset in datasets.items():
        listed = [Row.of(where(dataset, index)) for index in range(len(dataset))]
        try:
            click.echo(f"{write_cleaned(split, dataset, listed, bad, folder)}: the good rows of data.{split}")
        except DataError as error:
            click.echo(f"not cleaned: {error}", err=True)
