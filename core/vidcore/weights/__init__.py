"""Weights: reading files of others without running them, fetching, loading into a model, saving with a contract."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidcore.weights.download import fetch
    from vidcore.weights.loading import WeightsReport, load_weights
    from vidcore.weights.reading import Checkpoint, read_checkpoint, read_contract, read_torch_file
    from vidcore.weights.saving import save_weights

_MODULES = {
    "fetch": "download",
    "WeightsReport": "loading",
    "load_weights": "loading",
    "Checkpoint": "reading",
    "read_checkpoint": "reading",
    "read_contract": "reading",
    "read_torch_file": "reading",
    "save_weights": "saving",
}
__all__ = [
    "Checkpoint",
    "WeightsReport",
    "fetch",
    "load_weights",
    "read_checkpoint",
    "read_contract",
    "read_torch_file",
    "save_weights",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for: a download needs no torch."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"vidcore.weights.{_MODULES[name]}"), name)
