"""`vidcore recipes list` and `show`: ready experiments of the installed plugins."""

from __future__ import annotations

import click

from vidcore.config import to_table
from vidcore.config.loading import find_recipe, load
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


@click.command("show")
@click.argument("recipe")
def show_recipe(recipe: str) -> None:
    """What RECIPE is: model, data, weights and the figures that its authors state."""
    found = find_recipe(recipe)
    experiment = load(found.name).experiment
    click.echo(f"{found.name}: {found.summary}" if found.summary else found.name)
    rows = {
        "also called": ", ".join(found.alias),
        "plugin": host().distribution(found.plugin),
        "file": found.path,
        "model": to_table(experiment.model)["type"],
        "paper": experiment.about.paper,
        "epochs": str(experiment.engine.epochs),
        "weights": ", ".join(name for name, entry in host().weights.items() if entry.recipe == found.name),
    }
    for name, value in rows.items():
        if value:
            click.echo(f"  {name:12} {value}")
    for figure in experiment.about.published:
        click.echo(
            f"  {figure.metric:12} {figure.value:.4f}  stated by the authors ({figure.source}) {figure.note}".rstrip()
        )
    click.echo(f"\nThe whole of it: vidcore config show {found.name}\nRun it:          vidcore run {found.name}")
