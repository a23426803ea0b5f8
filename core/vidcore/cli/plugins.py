"""`vidcore plugins list`: what is installed, and whether it could be loaded."""

from __future__ import annotations

from collections.abc import Iterator

import click

from vidcore.plugins import Host, host


@click.command("list")
@click.option("--components", is_flag=True, help="Every component, one a line, with its plugin and summary.")
def list_plugins(components: bool) -> None:
    """What is installed, and what could not be loaded. Exits with 1 when a plugin is broken."""
    known = host()
    known.components, known.recipes, known.weights, known.commands  # noqa: B018 - asks every plugin, so that errors show
    if components:
        for component in sorted(known.components, key=lambda entry: (entry.kind, entry.name)):
            click.echo(f"{component.kind:12} {component.name:28} {component.plugin:16} {component.summary}")
    else:
        for record in known.records.values():
            click.echo(f"{record.distribution:30} {'BROKEN' if record.error else _offers(known, record.name)}")
    for text in faults(known):
        click.echo(text, err=True)
    if known.broken or known.conflicts:
        raise click.exceptions.Exit(1)


def _offers(known: Host, plugin: str) -> str:
    kinds: dict[str, list[str]] = {}
    for component in known.components:
        if component.plugin == plugin:
            kinds.setdefault(component.kind, []).append(component.name)
    parts = [f"{kind}: {', '.join(names)}" for kind, names in sorted(kinds.items())]
    for what, offers in (("recipes", known.recipes), ("weights", known.weights)):
        count = sum(entry.plugin == plugin for entry in offers.values())
        parts += [f"{count} {what}"] if count else []
    names = [f"{one.group} {one.name}".strip() for one in known.commands if one.plugin == plugin]
    parts += [f"commands: {', '.join(names)}"] if names else []
    return "; ".join(parts) or "nothing"


def faults(known: Host) -> Iterator[str]:
    """Plugins that could not be loaded, and names that two of them offer."""
    yield from (known.explain(record) for record in known.broken)
    yield from known.conflicts
