"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """The network of the paper."""
    return [
        Component(
            kind="model",
            name="ctrgcn",
            config="vidcore_ctrgcn.config:Ctrgcn",
            factory="vidcore_ctrgcn.model:Ctrgcn",
            summary="graph convolutions over joints with a graph for every channel",
        )
    ]


@hookimpl
def vidcore_recipes() -> str:
    """NTU RGB+D, 2D and 3D, four streams each."""
    return "vidcore_ctrgcn:recipes"
