"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """The two networks."""
    return [
        Component(
            kind="model",
            name="ctrgcn",
            config="vidcore_ctrgcn.config:Ctrgcn",
            factory="vidcore_ctrgcn.model:Ctrgcn",
            summary="graph convolutions over joints with a graph for every channel",
        ),
        Component(
            kind="model",
            name="msg3d",
            config="vidcore_ctrgcn.config:Msg3d",
            factory="vidcore_ctrgcn.msg3d:Msg3d",
            summary="graph convolutions over distances, within frames and across windows of them",
        ),
    ]


@hookimpl
def vidcore_recipes() -> str:
    """NTU RGB+D, 2D and 3D, four streams each."""
    return "vidcore_ctrgcn:recipes"


@hookimpl
def vidcore_weights() -> str:
    """The published checkpoints of MS-G3D."""
    return "vidcore_ctrgcn:weights.toml"
