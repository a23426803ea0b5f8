"""What this plugin offers. Imports no mlflow."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """One callback."""
    return [
        Component(
            kind="callback",
            name="mlflow",
            config="vidcore_mlflow.config:Mlflow",
            factory="vidcore_mlflow.service:mlflow",
            summary="curves, configuration and final figures in MLflow",
        )
    ]
