"""Components that take turns: each installed one of a kind is asked whether it knows what to do with something."""

from __future__ import annotations

from typing import Any

from vidcore.plugins.catalog import load_reference
from vidcore.plugins.discovery import host, known_plugins


def first_that_accepts(kind: str, source: object) -> Any | None:
    """The first component, in order of name, whose `accepts(source)` is true; made from the defaults of its config."""
    components = host().components
    for name in components.names(kind):
        component = components.find(kind, name)
        if component is not None:
            made = load_reference(component.factory)(load_reference(component.config)())
            if made.accepts(source):
                return made
    return None


def what_to_install(kind: str) -> str:
    """The end of a message: what to install, or which installed components did not accept."""
    names = host().components.names(kind)
    if names:
        return f", and of those installed ({', '.join(names)}) none accepts it"
    known = sorted({owner for key, owner in known_plugins().items() if key.startswith(f"{kind}:")})
    broken = "".join(f"\n{host().explain(record)}" for record in host().broken)
    return (f": pip install {' or '.join(known)}" if known else "") + broken
