"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """The data set."""
    return [
        Component(
            kind="dataset",
            name="hvu",
            config="vidcore_hvu.config:Hvu",
            factory="vidcore_hvu.dataset:HvuDataset",
            summary="videos with labels of several kinds, some unknown",
        )
    ]


@hookimpl
def vidcore_downloads() -> str:
    """Where annotations and videos are, for `vidcore data fetch`."""
    return "vidcore_hvu:downloads.toml"
