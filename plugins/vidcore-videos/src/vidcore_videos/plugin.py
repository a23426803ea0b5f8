"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """The data sets."""
    return [
        Component(
            kind="dataset",
            name="video-list",
            config="vidcore_videos.config:VideoList",
            factory="vidcore_videos.datasets:video_list",
            summary="videos named by a text, CSV or JSON list",
        ),
        Component(
            kind="dataset",
            name="class-folders",
            config="vidcore_videos.config:ClassFolders",
            factory="vidcore_videos.datasets:class_folder_dataset",
            summary="a folder of videos for each class",
        ),
    ]
