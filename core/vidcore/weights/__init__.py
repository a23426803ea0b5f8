"""Weights: vidcore's own files with their contract, loading into a model, and plugins for everyone else's files."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidcore.weights.loading import WeightsReport, find_weights, load_weights
    from vidcore.weights.reading import Checkpoint, read_contract
    from vidcore.weights.saving import save_weights
    from vidcore.weights.sources import Progress, WeightsFetcher, WeightsReader, fetch, read_checkpoint

_MODULES = {
    **dict.fromkeys(("WeightsReport", "find_weights", "load_weights"), "loading"),
    **dict.fromkeys(("Checkpoint", "read_contract"), "reading"),
    **dict.fromkeys(("Progress", "WeightsFetcher", "WeightsReader", "fetch", "read_checkpoint"), "sources"),
    "save_weights": "saving",
}
__all__ = [
    "Checkpoint",
    "Progress",
    "WeightsFetcher",
    "WeightsReader",
    "WeightsReport",
    "fetch",
    "find_weights",
    "load_weights",
    "read_checkpoint",
    "read_contract",
    "save_weights",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for: names of weights need no torch."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"vidcore.weights.{_MODULES[name]}"), name)
