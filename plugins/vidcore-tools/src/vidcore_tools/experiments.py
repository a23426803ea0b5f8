"""Commands about experiments: shown, compared, explained, begun, and used once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from vidcore.cli.config import set_option, source_argument
from vidcore.config.loading import Loaded, find_recipe, load
from vidcore.config.tables import dumps, to_table
from vidcore.errors import ConfigError
from vidcore.plugins import host

_MISSING = object()


@click.command()
@source_argument
@set_option
@click.option("--origin", is_flag=True, help="Say of each value in which file and line it was written.")
@click.option("--changed", is_flag=True, help="Only what differs from the defaults.")
def show(source: str, sets: tuple[str, ...], origin: bool, changed: bool) -> None:
    """Print an experiment whole, as it would run: parents merged, defaults filled in."""
    loaded = load(source, sets=sets)
    table = to_table(loaded.experiment, whole=not changed)
    if not origin:
        click.echo(dumps(table), nl=False)
        return
    rows = [
        (f"{path} = {json.dumps(value, ensure_ascii=False)}", place) for path, value, place in _origins(loaded, table)
    ]
    width = min(max(len(text) for text, _ in rows), 80)
    for text, place in rows:
        click.echo(f"{text:{width}}  # {place}")


def _origins(loaded: Loaded, table: dict[str, Any]) -> Iterator[tuple[str, Any, str]]:
    for path, value in leaves(table):
        layer = loaded.merged.origins.get(path)
        if layer is None and path[-1] == "type":
            layer = loaded.merged.origins.get(path[:-1])  # written in the short form
        yield ".".join(path), value, layer.value(path) if layer else "default"


def leaves(table: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """(path, value) of every value in nested tables."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


@click.command()
@click.argument("first", metavar="EXPERIMENT")
@click.argument("second", metavar="OTHER")
def diff(first: str, second: str) -> None:
    """What differs between two experiments, key by key. Exits with 1 when something does."""
    tables = [dict(leaves(to_table(load(source).experiment))) for source in (first, second)]
    paths = list(dict.fromkeys([*tables[0], *tables[1]]))
    changed = [path for path in paths if tables[0].get(path, _MISSING) != tables[1].get(path, _MISSING)]
    for path in changed:
        for sign, side in zip("-+", tables, strict=True):
            if path in side:
                click.echo(f"{sign} {'.'.join(path)} = {json.dumps(side[path], ensure_ascii=False)}")
    if changed:
        raise click.exceptions.Exit(1)
    click.echo("no difference")


@click.command()
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write here, not to the terminal."
)
def schema(output: Path | None) -> None:
    """A JSON schema of experiment files with every installed component, for completion in editors.

    In an editor with a TOML language server: put `#:schema ./vidcore.schema.json` in the first line of the experiment.
    """
    from vidcore_tools.describe import json_schema

    text = json.dumps(json_schema(host()), indent=1)
    if output is None:
        click.echo(text)
    else:
        try:
            output.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{output} cannot be written: {error.strerror}; give another file with -o") from error
        click.echo(f"wrote {output}; put `#:schema ./{output.name}` in the first line of your experiment")


@click.command()
@click.argument("key", default="")
def explain(key: str) -> None:
    """What KEY means: `engine.clip_grad`, `data.train.sampling.num_frames`, `model`.

    A table shows its keys; without KEY, the tables of an experiment.
    """
    from vidcore_tools.describe import Key, first_line, keys_of
    from vidcore_tools.describe import explain as find

    for path, target in find(key, host()):
        if isinstance(target, Key):
            _explain_key(path, target)
        else:
            click.echo(f"[{path}]  {first_line(target)}" if path else first_line(target))
            for entry in keys_of(target):
                click.echo(f"  {entry.name:18} {_value(entry):24} {entry.note or entry.kind}")


def _explain_key(path: str, key: Any) -> None:
    from vidcore.config.structure import slot_of
    from vidcore.plugins import load_reference
    from vidcore_tools.describe import first_line, keys_of, table_of

    limits = f", {key.limits}" if key.limits else ""
    click.echo(f"{path}: {key.kind}{limits}; {_value(key)}")
    if key.note:
        click.echo(f"  {key.note}")
    slot = slot_of(key.annotation)
    for component in host().components if slot else ():
        if slot and component.kind == slot.kind:
            click.echo(f"  {component.name:24} {component.summary or first_line(load_reference(component.config))}")
    nested = table_of(key)
    for entry in keys_of(nested) if nested is not None else ():
        click.echo(f"  {entry.name:18} {_value(entry):24} {entry.note or entry.kind}")


def _value(key: Any) -> str:
    if key.required:
        return "required"
    if key.default is None or hasattr(type(key.default), "__attrs_attrs__") or key.default == {}:
        return "optional"
    return f"default {json.dumps(key.default)}"


@click.command()
@click.argument("recipe")
def init(recipe: str) -> None:
    """Print the TOML of a new experiment that starts from RECIPE: `vidcore config init quickstart > mine.toml`."""
    found = find_recipe(recipe)
    table = load(recipe).merged.table  # as the recipe wrote it, without what was resolved on this machine
    click.echo(f'extends = "{found.name}"  # {found.summary or "see `vidcore recipes show`"}')
    click.echo('# name = "mine"       # of the run folder; left out: the name of this file\n')
    click.echo("# What people change first; the values are the recipe's. `vidcore config explain KEY` tells more.")
    for path in ("data.root", "data.train.batch_size", "optimizer.lr", "engine.epochs", "engine.precision"):
        value: Any = table
        for name in path.split("."):
            value = value.get(name, _MISSING) if isinstance(value, dict) else _MISSING
        if value is not _MISSING:
            click.echo(f"# {path} = {json.dumps(value)}")


@click.command()
@source_argument
@set_option
def rehearse(source: str, sets: tuple[str, ...]) -> None:
    """Build and use everything of EXPERIMENT once, print what a run would take, and keep nothing."""
    experiment = load(source, sets=sets).experiment
    from rich.console import Console

    from vidcore_tools.rehearsal import gib
    from vidcore_tools.rehearsal import rehearse as use_once

    console = Console()
    with console.status("") as status:
        found = use_once(experiment, lambda text: status.update(text))
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
