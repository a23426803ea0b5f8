"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """The data set, in all editions."""
    return [
        Component(
            kind="dataset",
            name="kinetics",
            config="vidcore_kinetics.config:Kinetics",
            factory="vidcore_kinetics.dataset:kinetics",
            summary="Kinetics-400, 600, 700 and 710: official CSV or `path label` lists",
        )
    ]


@hookimpl
def vidcore_downloads() -> str:
    """Where annotations and videos are, for `vidcore data fetch`."""
    return "vidcore_kinetics:downloads.toml"
