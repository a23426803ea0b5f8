"""What this plugin offers. Imports no ray."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """Where `vidcore data ... --pool ray` has its work done."""
    return [
        Component(
            kind="prepare.pool",
            name="ray",
            config="vidcore_ray.config:Ray",
            factory="vidcore_ray.pool:RayPool",
            summary="data is prepared by the machines of a Ray cluster, or by a Ray of this one",
        )
    ]
