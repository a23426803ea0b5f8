"""What this plugin offers. Imports neither fsspec nor torch."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """What opens addresses, and what brings weights from there."""
    return [
        Component(
            kind="place",
            name="fsspec",
            config="vidcore_remote.config:Remote",
            factory="vidcore_remote.paths:Places",
            summary="data behind s3://, gs://, https:// and other addresses, read in place",
        ),
        Component(
            kind="weights-fetcher",
            name="fsspec",
            config="vidcore_remote.config:Remote",
            factory="vidcore_remote.weights:Fetcher",
            summary="weights from s3://, gs:// and other addresses",
        ),
    ]
