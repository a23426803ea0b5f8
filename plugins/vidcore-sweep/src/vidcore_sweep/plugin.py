"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Command, Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """Ways to choose the values of the next trial."""
    return [
        Component(
            kind="sweep.search",
            name="grid",
            config="vidcore_sweep.config:Grid",
            factory="vidcore_sweep.search:GridSearch",
            summary="every combination of the values, once",
        ),
        Component(
            kind="sweep.search",
            name="random",
            config="vidcore_sweep.config:Random",
            factory="vidcore_sweep.search:RandomSearch",
            summary="values drawn from lists and ranges, a number of times",
        ),
    ]


@hookimpl
def vidcore_commands() -> list[Command]:
    """`vidcore sweep`."""
    return [
        Command(
            group="",
            name="sweep",
            help="Run an experiment with many values, and compare what came of it.",
            target="vidcore_sweep.commands:sweep",
        )
    ]
