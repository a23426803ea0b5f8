"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """The data sets."""
    return [
        _dataset("activitynet", "ActivityNet", "ActivityNet 1.3: 200 activities in untrimmed videos"),
        _dataset("hacs", "Hacs", "HACS Segments: the same 200 activities in 50,000 videos"),
        _dataset("thumos14", "Thumos14", "THUMOS14: 20 sports in untrimmed videos"),
    ]


@hookimpl
def vidcore_downloads() -> str:
    """Where annotations and videos are, for `vidcore data fetch`."""
    return "vidcore_activitynet:downloads.toml"


def _dataset(name: str, config: str, summary: str) -> Component:
    return Component(
        kind="dataset",
        name=name,
        config=f"vidcore_activitynet.config:{config}",
        factory=f"vidcore_activitynet.dataset:{name}",
        summary=summary,
    )
