"""What this plugin offers."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """None yet: `vidcore_opencv.flow` is called from Python."""
    return []
