"""`vidcore weights`: published weights and files of weights, fetched, inspected, converted, measured again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vidcore.config.places import place
from vidcore.errors import DataError, WeightsError
from vidcore.plugins import WeightsEntry, host
from vidcore.weights.sources import Progress, fetch
from vidcore.wording import counted, nearest
from vidcore_checkpoints.download import cached_path, file_sha256

if TYPE_CHECKING:
    from vidcore.config.experiment import Experiment

_SHOWN_NAMES = 8
_TOLERANCE = 0.005  # of a figure: decoders and resizing differ a little from machine to machine


@click.command()
@click.argument("weights", metavar="[NAME|FILE]", default="")
@click.option("--keys", is_flag=True, help="List every tensor of the file with its shape.")
def info(weights: str, keys: bool) -> None:
    """What a weights file or published weights are; without a name, all that are published.

    Nothing that a file names is imported or executed.
    """
    entry = host().weights.get(weights)
    if Path(weights).is_file():
        rows = list(_about_file(Path(weights), keys))
    elif entry is not None:
        rows = list(_about_entry(entry, keys))
    elif weights:
        raise _unknown(weights)
    else:
        _print_all()
        return
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name:{width}}  {value}")


@click.command()
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--all-of", "plugin", metavar="PLUGIN", help="All weights that this plugin publishes.")
def download(names: tuple[str, ...], plugin: str | None) -> None:
    """Fetch published weights into the cache; what is there already is only checked. Broken downloads go on.

    The cache is the folder VIDCORE_CACHE, or the user's cache folder. Exits with 1 when something could not be had.
    """
    known = host().weights
    if plugin is not None:
        names += tuple(name for name, entry in known.items() if entry.plugin == plugin and name not in names)
        if plugin not in host().records or not names:
            plugins = {entry.plugin for entry in known.values()}
            raise WeightsError(f"no plugin {plugin!r} brings weights{nearest(plugin, plugins)}")
    if not names:
        raise click.UsageError("name the weights to fetch, or give --all-of PLUGIN; `vidcore weights info` lists them")
    missing = [name for name in names if name not in known]
    if missing:
        raise _unknown(missing[0])
    failures = 0
    for name in names:
        try:
            click.echo(f"{name}: {_fetch(known[name])}")
        except WeightsError as error:
            failures += 1
            click.echo(f"{name}: {error}", err=True)
    if failures:
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("source", metavar="FILE|NAME")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@click.option(
    "--recipe", default="", help="The experiment whose model the weights are for; published ones know theirs."
)
@click.option("--format", "format_", default="auto", show_default=True, help='A converter "package.module:function".')
@click.option("--licence", default="", help="Of the weights, written into the file.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Change one value of the recipe.")
def convert(source: str, output: Path, recipe: str, format_: str, licence: str, sets: tuple[str, ...]) -> None:
    """Turn a foreign checkpoint into a file of vidcore, checked against the recipe's model, with its contract."""
    from vidcore.config.loading import load
    from vidcore.engine.contract import weights_contract
    from vidcore.plugins import build
    from vidcore.weights.loading import find_weights, load_weights
    from vidcore.weights.saving import save_weights
    from vidcore.weights.sources import read_checkpoint

    entry = find_weights(source)
    recipe = recipe or (entry.recipe if entry else "")
    if not recipe:
        raise click.UsageError(f"{source} is not published by an installed plugin: say with --recipe what it is for")
    experiment = load(recipe, sets=sets).experiment
    path = _path_of(source, entry)
    if format_ == "auto":
        format_ = (entry.format if entry else _format_of(recipe)) or "plain"
    if format_ != "plain" and read_checkpoint(path).contract is not None:
        format_ = "plain"
    model = build(experiment.model)
    report = load_weights(model, path, format=format_)
    classes = _classes(experiment, read_checkpoint(path).meta)
    contract = weights_contract(experiment, classes, licence or (entry.licence if entry else ""))
    save_weights(output, model.state_dict(), contract)
    click.echo(f"{report}\nwrote {output}: {counted(len(classes), 'class', 'classes')}, for {recipe}")


@click.command()
@click.argument("recipe")
@click.option("--data", "root", required=True, type=click.Path(file_okay=False, exists=True, path_type=Path))
@click.option("--weights", default="", help="A file, or a name; left out: what is published for the recipe.")
@click.option("--tolerance", default=_TOLERANCE, show_default=True, help="Difference that is let pass, as a fraction.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the predictions here.")
def verify(recipe: str, root: Path, weights: str, tolerance: float, output: Path | None) -> None:
    """Measure the published figures of RECIPE again, on your copy of the data, beside those that the authors state.

    Exits with 1 when a figure differs by more than the tolerance.
    """
    from vidcore.config.loading import find_recipe, load_experiment
    from vidcore.engine.measuring import measure_weights

    found = find_recipe(recipe)
    experiment = load_experiment(found.name, {"data.root": str(root.resolve())})
    weights = weights or next((name for name, entry in host().weights.items() if entry.recipe == found.name), "")
    if not weights:
        raise WeightsError(f"no weights are published for {found.name}; give a file with --weights")
    data = experiment.data.test or experiment.data.val
    if data is not None and not data.is_there(place(experiment.data.root)):  # told before anything is fetched
        raise DataError(
            f"{root} has not the data that {found.name} is measured on; "
            f"`vidcore config show {found.name}` names its files, the page of its plugin how to get them"
        )
    stated = {figure.metric: figure.value for figure in experiment.about.published}
    if weights in host().weights:
        stated |= host().weights[weights].published
        _fetch(host().weights[weights])
    with _bar(found.name, "{task.completed} of {task.total} samples") as progress:
        measured = measure_weights(experiment, weights, output=output, progress=progress)
    _print_figures(measured.metrics, stated)
    wrong = [name for name in stated if abs(measured.metrics.get(name, float("inf")) - stated[name]) > tolerance]
    if measured.left_out:
        click.echo(measured.left_out, err=True)
    if wrong or not stated:
        click.echo(f"not as stated: {', '.join(wrong)}" if wrong else f"{found.name} states no figures", err=True)
        raise click.exceptions.Exit(1)
    click.echo(
        f"{found.name}: the stated figures are met within {tolerance}, on {counted(measured.num_samples, 'sample')}"
    )


def _print_figures(measured: dict[str, float], stated: dict[str, float]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("figure", "measured", "stated", "difference", box=None, header_style="bold")
    for name in sorted({*measured, *stated}):
        row = [f"{figures[name]:.4f}" if name in figures else "-" for figures in (measured, stated)]
        difference = f"{measured[name] - stated[name]:+.4f}" if name in measured and name in stated else ""
        table.add_row(name, *row, difference)
    Console().print(table)


def _print_all() -> None:
    entries = host().weights
    if not entries:
        click.echo("no installed plugin brings weights; `vidcore plugins list` shows them all")
    width = max(map(len, entries), default=0)
    for name, entry in entries.items():
        here = "  here" if cached_path(entry.url, entry.sha256).is_file() else ""
        stated = _figures(entry).partition(",")[0]
        click.echo(f"{name:{width}}  {entry.plugin:13} {stated:28} {entry.licence}{here}".rstrip())


def _figures(entry: WeightsEntry) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in entry.published.items())


def _about_entry(entry: WeightsEntry, keys: bool) -> Iterator[tuple[str, str]]:
    path = cached_path(entry.url, entry.sha256)
    rows = {
        "name": entry.name,
        "plugin": host().distribution(entry.plugin),
        "recipe": entry.recipe,
        "classes": entry.classes,
        "licence": entry.licence,
        "published": _figures(entry) and f"{_figures(entry)}, as the authors state",
        "source": entry.source,
        "url": entry.url,
        "sha256": entry.sha256,
        "converter": entry.format,
        "in the cache": "" if path.is_file() else f"no: vidcore weights download {entry.name}",
    }
    yield from ((name, value) for name, value in rows.items() if value)
    if path.is_file():
        yield from _about_file(path, keys)


def _about_file(path: Path, keys: bool) -> Iterator[tuple[str, str]]:
    from vidcore.weights.sources import read_checkpoint

    checkpoint = read_checkpoint(path)
    tensors = checkpoint.state_dict
    types = sorted({str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values()})
    numbers = sum(tensor.numel() for tensor in tensors.values())
    yield "file", f"{path} ({path.stat().st_size / 1e6:.1f} MB)"
    yield "file's sha256", file_sha256(path)
    yield "tensors", f"{len(tensors)} with {numbers:,} numbers ({', '.join(types)})"
    yield "saved by", "vidcore" if checkpoint.contract is not None else "someone else"
    yield from _leaves({"contract": checkpoint.contract or {}, "meta": checkpoint.meta})
    if checkpoint.unknown:
        yield "not run", f"{', '.join(sorted(checkpoint.unknown))}: named by the file, neither imported nor called"
    for key, tensor in tensors.items() if keys else ():
        yield key, " x ".join(map(str, tensor.shape)) or "scalar"


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Dotted names and short texts of what is in nested tables."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _leaves(entry, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and len(value) > _SHOWN_NAMES:
        yield (
            path,
            f"{', '.join(str(entry)[:40] for entry in value[:_SHOWN_NAMES])}, and {len(value) - _SHOWN_NAMES} more",
        )
    elif str(value).strip():
        text = " ".join(str(value).split())
        yield path, text if len(text) <= 200 else f"{text[:200]}... ({len(text)} characters)"


def _unknown(name: str) -> WeightsError:
    hint = nearest(name, host().weights) or "; `vidcore weights info` lists all"
    broken = "".join(f"\n{host().explain(record)}" for record in host().broken)
    return WeightsError(f"{name}: no such file, and no published weights of that name{hint}{broken}")


def _path_of(source: str, entry: WeightsEntry | None) -> Path:
    if Path(source).is_file():
        return Path(source)
    if entry is None:
        raise _unknown(source)
    return _fetch(entry)


def _fetch(entry: WeightsEntry) -> Path:
    with _bar(entry.name, "{task.fields[amount]}") as progress:
        return fetch(entry.url, entry.sha256, progress=progress)


@contextmanager
def _bar(name: str, column: str) -> Iterator[Progress]:
    """A progress bar on the error stream, as a callback with what is done and the whole."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    parts = [TextColumn(name), BarColumn(), TextColumn(column), TimeRemainingColumn()]
    with Progress(*parts, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=None, amount="")

        def show(done: int, total: int | None) -> None:
            amount = f"{done / 1e6:.1f} MB" + (f" of {total / 1e6:.1f} MB" if total else "")
            bar.update(task, completed=done, total=total, amount=amount)

        yield show


def _format_of(recipe: str) -> str:
    """The converter of the weights that are published for a recipe: for copies of them under other names."""
    found = host().find_recipe(recipe)
    name = found.name if found is not None else recipe
    return next((entry.format for entry in host().weights.values() if entry.recipe == name), "")


def _classes(experiment: Experiment, meta: dict[str, Any]) -> list[str]:
    """Names of the classes: as the data tells them, as the file does, or numbers."""
    from vidcore.config.checks import facts_of

    count = experiment.model.num_classes
    dataset_meta = meta.get("dataset_meta")
    told = [facts.classes for facts in facts_of(experiment).values()]
    told += [dataset_meta.get("classes") if isinstance(dataset_meta, dict) else None, meta.get("CLASSES")]
    for names in told:
        if isinstance(names, list | tuple) and len(names) == count:
            return [str(name) for name in names]
    click.echo("the names of the classes are not known; their numbers stand in the file instead", err=True)
    return [str(index) for index in range(count or 0)]
