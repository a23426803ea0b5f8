"""vidcore: video understanding, every part a plugin. Importing this package imports no torch.

The names below are the public Python door, which the command line uses too. They are imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from vidcore.config.loading import load_experiment
    from vidcore.engine.runner import run
    from vidcore.inference import Predictor
    from vidcore.plugins import build, hookimpl
    from vidcore.weights.loading import load_weights

_HOMES = {
    "Predictor": "vidcore.inference",
    "build": "vidcore.plugins",
    "hookimpl": "vidcore.plugins",
    "load_experiment": "vidcore.config.loading",
    "load_weights": "vidcore.weights.loading",
    "run": "vidcore.engine.runner",
}

__all__ = ["Predictor", "__version__", "build", "hookimpl", "load_experiment", "load_weights", "run"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'vidcore' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
