"""What this plugin offers. Imports neither torch nor matplotlib."""

from __future__ import annotations

from vidcore.plugins import Command, Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """The callback that keeps pictures of a run up to date."""
    return [
        Component(
            kind="callback",
            name="report",
            config="vidcore_report.config:Report",
            factory="vidcore_report.callback:ReportCallback",
            summary="curves.png, confusion.png, predictions.png and report.html in the run folder",
        )
    ]


@hookimpl
def vidcore_commands() -> list[Command]:
    """The same pictures for any run folder, afterwards."""
    return [
        Command(group="show", name=name, help=text, target=f"vidcore_report.commands:{name}")
        for name, text in (
            ("curves", "Draw loss, figures and learning rate of a run."),
            ("confusion", "Draw which classes of a run are taken for which."),
            ("predictions", "Draw videos with what a run said of them."),
            ("report", "Write the page that shows a run whole."),
        )
    ]
