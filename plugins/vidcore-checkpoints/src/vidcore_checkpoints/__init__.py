"""Checkpoints and pickles of others: fetched into a cache, and read as data, with nothing executed that they name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidcore_checkpoints.download import cached_path, fetch, file_sha256
    from vidcore_checkpoints.inert_pickles import read_annotations
    from vidcore_checkpoints.reading import read_checkpoint, read_torch_file

_MODULES = {
    **dict.fromkeys(("cached_path", "fetch", "file_sha256"), "download"),
    "read_annotations": "inert_pickles",
    **dict.fromkeys(("read_checkpoint", "read_torch_file"), "reading"),
}
__all__ = ["cached_path", "fetch", "file_sha256", "read_annotations", "read_checkpoint", "read_torch_file"]


def __getattr__(name: str) -> Any:
    """Import what is asked for: neither a download nor an annotation file needs torch."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"vidcore_checkpoints.{_MODULES[name]}"), name)
