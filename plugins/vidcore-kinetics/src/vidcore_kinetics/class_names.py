"""Names of the Kinetics classes, in the order of their labels. Imports no torch."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

EDITIONS = (400, 600, 700, 710)  # 710: the union of the other three, after names for the same action are joined


@cache
def class_names(edition: int) -> tuple[str, ...]:
    """The names of an edition, one of `EDITIONS`."""
    text = (files("vidcore_kinetics") / "classes" / f"kinetics{edition}.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())


def plain(name: str) -> str:
    """A name as it is compared: files, folders and lists write one class in several ways.

    Example: `"Air_drumming"` and `air drumming` are the same.
    """
    kept = name.replace("_", " ").replace('"', "").replace("'", "").replace("’", "")
    return " ".join(kept.lower().split())


@cache
def labels_by_name(edition: int) -> dict[str, int]:
    """Label of each class, by its plain name."""
    return {plain(name): label for label, name in enumerate(class_names(edition))}
