"""What this plugin offers. Imports no optuna."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """One search for sweeps."""
    return [
        Component(
            kind="sweep.search",
            name="optuna",
            config="vidcore_optuna.config:Optuna",
            factory="vidcore_optuna.search:OptunaSearch",
            summary="values chosen by what came of those before; hopeless trials are stopped early",
        )
    ]
