"""Commands for those who write plugins: does it work, and how do I start?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from vidcore.cli.plugins import faults
from vidcore.errors import PluginError
from vidcore.plugins import Host, host, load_reference


@click.command()
def doctor() -> None:
    """Import everything that plugins offer and tell what fails. Exits with 1 when something does.

    Looks at each component's config class and code, at commands, recipes and weights, and at the machine.
    """
    from vidcore.testing.plugins import recipe_faults, weights_faults

    known = host()
    click.echo(f"python     {sys.version.split()[0]}")
    for line in _machine():
        click.echo(line)
    click.echo(f"plugins    {len(known.records) - len(known.broken)} loaded, {len(known.broken)} broken")
    click.echo(
        f"offered    {len(known.components)} components, {len(known.recipes)} recipes, {len(known.weights)} weights"
    )
    found = [*faults(known), *_not_imported(known)]
    for name in known.records:
        found += [*recipe_faults(known, name), *weights_faults(known, name)]
    for text in found:
        click.echo(f"FAULT      {text}", err=True)
    if found:
        click.echo(f"faults     {len(found)}", err=True)
        raise click.exceptions.Exit(1)
    click.echo("all is well")


def _not_imported(known: Host) -> Iterator[str]:
    offers: list[tuple[str, tuple[str, ...]]] = []
    offers += [(f"{one.kind} {one.name!r}", (one.config, one.factory)) for one in known.components]
    offers += [(f"command `{f'{one.group} {one.name}'.strip()}`", (one.target,)) for one in known.commands]
    for what, references in offers:
        for reference in references:
            try:
                load_reference(reference)
            except PluginError as error:
                yield f"{what}: {error}"


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
    name = name if name in known.records else name.removeprefix("vidcore-")
    if name not in known.records:
        raise PluginError(f"no plugin {name!r} is installed{nearest(name, known.records)}")
    if known.records[name].error:
        raise PluginError(known.explain(known.records[name]))
    from vidcore.testing.plugins import component_fault, recipe_faults, weights_faults

    mine = [component for component in known.components if component.plugin == name]
    failed = 0
    for component in mine:
        fault = component_fault(component)
        failed += bool(fault)
        what = f"{component.kind} {component.name}"
        click.echo(f"FAULT  {what}: {fault}" if fault else f"good   {what}", err=bool(fault))
    click.echo(f"{len(mine) - failed} of {len(mine)} components are good")
    others = [*recipe_faults(known, name), *weights_faults(known, name)]
    for fault in others:
        click.echo(f"FAULT  {fault}", err=True)
    if failed or others:
        raise click.exceptions.Exit(1)
