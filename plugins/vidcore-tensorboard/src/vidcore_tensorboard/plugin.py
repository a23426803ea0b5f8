"""What this plugin offers. Imports neither torch nor tensorboard."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """One callback."""
    return [
        Component(
            kind="callback",
            name="tensorboard",
            config="vidcore_tensorboard.config:TensorBoard",
            factory="vidcore_tensorboard.service:tensorboard",
            summary="curves in TensorBoard, from files in the run folder",
        )
    ]
