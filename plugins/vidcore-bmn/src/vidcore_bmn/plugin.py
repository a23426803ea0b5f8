"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """The network, and how it learns and proposes."""
    return [
        Component(
            kind="model",
            name="bmn",
            config="vidcore_bmn.config:Bmn",
            factory="vidcore_bmn.model:Bmn",
            summary="boundary curves and a confidence for every start and duration",
        ),
        Component(
            kind="localization.method",
            name="boundary-matching",
            config="vidcore_bmn.config:BoundaryMatching",
            factory="vidcore_bmn.method:BoundaryMatching",
            summary="learns BMN's maps, proposes pairs of boundaries",
        ),
    ]


@hookimpl
def vidcore_recipes() -> str:
    """The published ActivityNet configuration."""
    return "vidcore_bmn:recipes"


@hookimpl
def vidcore_weights() -> str:
    """The published checkpoint."""
    return "vidcore_bmn:weights.toml"
