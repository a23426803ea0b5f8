"""The components that come with the core, offered through the same hook as a plugin's."""

from __future__ import annotations

from vidcore.plugins.catalog import Component
from vidcore.plugins.hookspecs import hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """One line for each: kind, name, config class, factory, summary."""
    return [
        Component(kind=kind, name=name, config=f"vidcore.{config}", factory=f"vidcore.{factory}", summary=summary)
        for kind, name, config, factory, summary in _COMPONENTS
    ]


# fmt: off
_COMPONENTS: list[tuple[str, str, str, str, str]] = [
]
# fmt: on
