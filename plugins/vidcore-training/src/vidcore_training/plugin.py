"""What this plugin offers: learning-rate schedules."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1

_SCHEDULES = [
    ("linear", "Linear", "linear", "a straight line down, with warm-up"),
    ("poly", "Poly", "poly", "a power of what is left, with warm-up"),
    ("one-cycle", "OneCycle", "OneCycleSchedule", "up and down once"),
]


@hookimpl
def vidcore_components() -> list[Component]:
    """Schedules."""
    return [
        Component(
            kind="schedule",
            name=name,
            config=f"vidcore_training.config:{config}",
            factory=f"vidcore_training.schedules:{factory}",
            summary=summary,
        )
        for name, config, factory, summary in _SCHEDULES
    ]
