"""Commands for those who write plugins: does it work, and how do I start?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from vidcore.cli.plugins import faults
from vidcore.errors import PluginError, VidcoreError
from vidcore.plugins import Host, host, load_reference


@click.command()
def doctor() -> None:
    """Import everything that plugins offer and tell what fails. Exits with 1 when something does.

    Looks at each component's config class and code, at each recipe, and at the machine.
    """
    known = host()
    found = [
        f"{component.kind} {component.name!r}: {text}" for component in known.components for text in _imports(component)
    ]
    found += list(_bad_recipes(known))
    found += [
        f"weights {name!r} name the recipe {entry.recipe!r}, which is not installed"
        for name, entry in known.weights.items()
        if entry.recipe and known.find_recipe(entry.recipe) is None
    ]
    found = [*faults(known), *found]
    click.echo(f"python     {sys.version.split()[0]}")
    for line in _machine():
        click.echo(line)
    click.echo(f"plugins    {len(known.records) - len(known.broken)} loaded, {len(known.broken)} broken")
    click.echo(
        f"offered    {len(known.components)} components, {len(known.recipes)} recipes, {len(known.weights)} weights"
    )
    for text in found:
        click.echo(f"FAULT      {text}", err=True)
    click.echo("all is well" if not found else f"{len(found)} faults")
    if found:
        raise click.exceptions.Exit(1)


def _imports(component: object) -> Iterator[str]:
    for reference in (component.config, component.factory):  # type: ignore[attr-defined]
        try:
            load_reference(reference)
        except PluginError as error:
            yield str(error)


def _bad_recipes(known: Host) -> Iterator[str]:
    from vidcore.config.loading import load

    for recipe in known.recipes.values():
        try:
            load(recipe.name)
        except VidcoreError as error:
            yield f"recipe {recipe.name!r}: {error}"


def _machine() -> Iterator[str]:
    import os

    import av
    import torch

    devices = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    yield f"torch      {torch.__version__}, {torch.get_num_threads()} threads, CUDA: {', '.join(devices) or 'none'}"
    yield f"av         {av.__version__}"
    yield f"processors {os.cpu_count()}"


@click.command()
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(["model", "dataset", "metric", "transform", "callback"]),
    default="model",
    show_default=True,
)
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Folder to write in.")
def new(name: str, kind: str, into: Path) -> None:
    """Write a new plugin NAME with one component, which passes its own tests.

    NAME is lower case with hyphens; the distribution is called vidcore-NAME.
    """
    from vidcore_tools.scaffold import write_scaffold

    folder = write_scaffold(name, kind, into)
    click.echo(f"wrote {folder}. Try it:\n")
    click.echo(
        f"  python -m pip install -e '{folder}[test]'\n  vidcore plugins check {name}\n  python -m pytest {folder}\n"
    )
    click.echo(f"Then look into {folder}/src: config.py says what a TOML file may set, the other file does it.")


@click.command()
@click.argument("name")
def check(name: str) -> None:
    """Run the contract checks of `vidcore.testing` on everything that plugin NAME offers. Exits with 1 on a fault."""
    from vidcore.plugins.catalog import nearest

    known = host()
    if name not in known.records:
        raise PluginError(f"no plugin {name!r} is installed{nearest(name, known.records)}")
    if known.records[name].error:
        raise PluginError(known.explain(known.records[name]))
    from vidcore.testing import check_component

    mine = [component for component in known.components if component.plugin == name]
    failed = 0
    for component in mine:
        try:
            check_component(component)
            click.echo(f"good   {component.kind} {component.name}")
        except (AssertionError, VidcoreError) as error:
            failed += 1
            click.echo(f"FAULT  {component.kind} {component.name}: {error}", err=True)
    click.echo(f"{len(mine) - failed} of {len(mine)} components are good")
    if failed:
        raise click.exceptions.Exit(1)
