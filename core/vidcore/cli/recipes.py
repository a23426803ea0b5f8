"""`vidcore recipes list`: ready experiments of the installed plugins."""

from __future__ import annotations

import click

from vidcore.plugins import host


@click.command("list")
@click.argument("words", nargs=-1)
def list_recipes(words: tuple[str, ...]) -> None:
    """Every recipe of the installed plugins; with WORDS, those whose name, alias or summary has all of them."""
    from rich.console import Console
    from rich.table import Table

    table = Table("recipe", "plugin", "what", box=None, header_style="bold")
    for recipe in host().recipes.values():
        if all(word in " ".join((recipe.name, *recipe.alias, recipe.summary)) for word in words):
            table.add_row(recipe.name, recipe.plugin, recipe.summary)
    Console().print(table if table.rows else "no recipe fits; `vidcore plugins list` shows what is installed")
