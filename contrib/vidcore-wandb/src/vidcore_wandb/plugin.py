"""What this plugin offers. Imports no wandb."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """One callback."""
    return [
        Component(
            kind="callback",
            name="wandb",
            config="vidcore_wandb.config:Wandb",
            factory="vidcore_wandb.service:wandb",
            summary="curves in Weights & Biases, online or offline",
        )
    ]
