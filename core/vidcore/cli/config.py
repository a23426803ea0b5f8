"""`vidcore config`: experiments checked and shown without starting them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from vidcore.config.loading import Loaded, load
from vidcore.config.tables import dumps, to_table

source_argument = click.argument("source", metavar="EXPERIMENT")
set_option = click.option(
    "--set", "sets", multiple=True, metavar="KEY=VALUE", help="Change one value, e.g. engine.epochs=3; may be repeated."
)


@click.command()
@source_argument
@set_option
def check(source: str, sets: tuple[str, ...]) -> None:
    """Find every mistake of an experiment (a TOML file or a recipe), without starting it.

    Prints one line a mistake, `file:line:column: key: what is wrong`, and exits with 2; exits with 0 when it is good.
    """
    experiment = load(source, sets=sets).experiment
    model, task = to_table(experiment.model)["type"], to_table(experiment.task)["type"]
    click.echo(f"{source}: good ({task} with {model}, {experiment.model.num_classes} classes)")


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
