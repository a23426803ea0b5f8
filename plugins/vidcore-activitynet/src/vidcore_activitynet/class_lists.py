"""Class names that this plugin brings. Imports neither torch nor numpy."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def class_names(name: str) -> tuple[str, ...]:
    """Classes of "activitynet" (200, which HACS has too) or "thumos14" (20), in the order of their labels."""
    text = files("vidcore_activitynet").joinpath("classes", f"{name}.txt").read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip())
