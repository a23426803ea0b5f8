"""What this plugin offers: two optimizers."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """Optimizers."""
    return [
        Component(
            kind="optimizer",
            name=f"schedule-free-{name.lower()}",
            config=f"vidcore_schedulefree.config:ScheduleFree{name}",
            factory=f"vidcore_schedulefree.optimizers:schedule_free_{name.lower()}",
            summary=f"{name} that needs no learning-rate schedule",
        )
        for name in ("SGD", "AdamW")
    ]
