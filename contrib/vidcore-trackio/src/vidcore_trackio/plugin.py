"""What this plugin offers. Imports no trackio."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """One callback."""
    return [
        Component(
            kind="callback",
            name="trackio",
            config="vidcore_trackio.config:Trackio",
            factory="vidcore_trackio.service:trackio",
            summary="curves in trackio, on this machine",
        )
    ]
