"""What this plugin offers."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """One decoder."""
    return [
        Component(
            kind="decoder",
            name="decord",
            config="vidcore_decord.config:Decord",
            factory="vidcore_decord.decoder:DecordDecoder",
            summary="decord, for files on which it is exact; it refuses the others",
        )
    ]
