from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1
_PACKAGE = "vidcore_engine_toy"


@hookimpl
def vidcore_components() -> list[Component]:
    return [
        Component(
            kind=kind, name=name, config=f"{_PACKAGE}.config:{cls}", factory=f"{_PACKAGE}.parts:{cls}", summary="toy"
        )
        for kind, name, cls in (
            ("task", "toy-task", "ToyTask"),
            ("metric", "toy-accuracy", "ToyAccuracy"),
            ("model", "toy-net", "ToyNet"),
            ("dataset", "toy-clips", "ToyClips"),
            ("callback", "toy-watcher", "ToyWatcher"),
            ("callback", "toy-brake", "ToyBrake"),
        )
    ]
