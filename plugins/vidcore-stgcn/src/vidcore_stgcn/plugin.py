"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """The two families."""
    return [
        Component(
            kind="model",
            name="stgcn",
            config="vidcore_stgcn.config:Stgcn",
            factory="vidcore_stgcn.stgcn:Stgcn",
            summary="graph convolutions over joints, then over frames; with options ST-GCN++",
        ),
        Component(
            kind="model",
            name="agcn",
            config="vidcore_stgcn.config:Agcn",
            factory="vidcore_stgcn.agcn:Agcn",
            summary="graph convolutions on a learned graph, to which each sample adds its own",
        ),
    ]


@hookimpl
def vidcore_recipes() -> str:
    """The published NTU RGB+D configurations."""
    return "vidcore_stgcn:recipes"


@hookimpl
def vidcore_weights() -> str:
    """The published checkpoints."""
    return "vidcore_stgcn:weights.toml"
