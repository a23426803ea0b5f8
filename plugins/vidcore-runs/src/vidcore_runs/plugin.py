"""What this plugin offers: commands over run folders. Imports neither torch nor matplotlib."""

from __future__ import annotations

from vidcore.plugins import Command, hookimpl

api = 1


@hookimpl
def vidcore_commands() -> list[Command]:
    """`vidcore runs list | show | compare`."""
    return [
        Command(group="runs", name=name, help=text, target=f"vidcore_runs.commands:{target}")
        for name, text, target in (
            ("list", "Runs of a folder: state, epochs, best figure, when, how long.", "list_runs"),
            ("show", "One run: configuration, evaluations, times, how it ended.", "show"),
            ("compare", "Figures, curves and configurations of several runs.", "compare"),
        )
    ]
