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
            name="mixture",
            config="vidcore_mixture.config:Mixture",
            factory="vidcore_mixture.dataset:mixture",
            summary="several data sets in one: by ratio, repeated, balanced by class",
        )
    ]
