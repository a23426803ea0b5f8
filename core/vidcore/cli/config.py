"""`vidcore config check`: mistakes of an experiment, found without starting it."""

from __future__ import annotations

import click

from vidcore.cli.lazy import find_command
from vidcore.config.loading import load, stage_names
from vidcore.config.tables import to_table
from vidcore.wording import counted

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
    if stage_names(source):
        click.get_current_context().invoke(find_command("", "stages"), source=source, sets=sets, check=True)
        return
    experiment = load(source, sets=sets).experiment
    model, task = to_table(experiment.model)["type"], to_table(experiment.task)["type"]
    classes = counted(experiment.model.num_classes, "class", "classes")
    click.echo(f"{source}: good ({task} with {model}, {classes})")
