"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """The data sets and their metric."""
    return [
        Component(
            kind="dataset",
            name="tubes",
            config="vidcore_tubes.config:Tubes",
            factory="vidcore_tubes.dataset:tubes",
            summary="UCF101-24, JHMDB, MultiSports, and anything in the format of their annotation pickle",
        ),
        Component(
            kind="metric",
            name="tube-map",
            config="vidcore_tubes.metric_config:TubeMap",
            factory="vidcore_tubes.tube_map:TubeMapMetric",
            summary="frame mAP, and video mAP of boxes linked to tubes",
        ),
    ]
