"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """The two networks of the paper."""
    return [
        Component(
            kind="model",
            name="slowonly",
            config="vidcore_slowfast.config:SlowOnly",
            factory="vidcore_slowfast.model:SlowOnly",
            summary="a 3D ResNet on few frames, temporal kernels in its late stages",
        ),
        Component(
            kind="model",
            name="slowfast",
            config="vidcore_slowfast.config:SlowFast",
            factory="vidcore_slowfast.model:SlowFast",
            summary="two pathways at two frame rates, joined by lateral connections",
        ),
    ]


@hookimpl
def vidcore_recipes() -> str:
    """The published Kinetics configurations."""
    return "vidcore_slowfast:recipes"


@hookimpl
def vidcore_weights() -> str:
    """The published checkpoints."""
    return "vidcore_slowfast:weights.toml"
