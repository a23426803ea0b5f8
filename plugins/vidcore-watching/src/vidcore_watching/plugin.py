"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """The profiler and the terminal; `vidcore_watching.tracking` is for plugins to import."""
    return [
        Component(
            kind="callback",
            name="profiler",
            config="vidcore_watching.config:Profiler",
            factory="vidcore_watching.profiler:ProfilerCallback",
            summary="where the time of some steps goes: torch.profiler, a table and a trace",
        ),
        Component(
            kind="watcher",
            name="terminal",
            config="vidcore_watching.config:Terminal",
            factory="vidcore_watching.terminal:LiveTerminal",
            summary="what `vidcore run` shows while it goes: one live line, and a table at the end",
        ),
    ]
