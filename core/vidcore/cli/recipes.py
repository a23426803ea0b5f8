"""`vidcore recipes list`: ready experiments of the installed plugins."""

from __future__ import annotations

import click

from vidcore.plugins import host


@click.command("list")
@click.argument("words", nargs=-1)
def list_recipes(words: tuple[str, ...]) -> None:
    """Every recipe of the installed plugins; with WORDS, those whose name, alias or summary has all of them."""
    found = [
        recipe
        for recipe in host().recipes.values()
        if all(word in " ".join((recipe.name, *recipe.alias, recipe.summary)) for word in words)
    ]
    width = max((len(recipe.name) for recipe in found), default=0)
    for recipe in found:
        click.echo(f"{recipe.name:{width}}  {recipe.plugin:13} {recipe.summary}")
    if not found:
        click.echo("no recipe fits; `vidcore plugins list` shows what is installed")
