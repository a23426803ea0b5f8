"""What this plugin offers. Imports neither torch nor numpy."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """The data set, and longer videos as a stage."""
    return [
        Component(
            kind="dataset",
            name="shapes",
            config="vidcore_shapes.config:Shapes",
            factory="vidcore_shapes.dataset:shapes_videos",
            summary="made videos of a moving shape, eight motions that no bag of frames tells apart",
        ),
        Component(
            kind="stage",
            name="shape-timelines",
            config="vidcore_shapes.config:TimelineStage",
            factory="vidcore_shapes.timelines:Timelines",
            summary="made videos in which motions begin and end, with their segments",
        ),
    ]


@hookimpl
def vidcore_recipes() -> str:
    """The quickstart."""
    return "vidcore_shapes:recipes"
