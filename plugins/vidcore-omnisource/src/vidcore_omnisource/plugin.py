"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """The network, what it is asked, and the data that it learns from."""
    return [
        Component(
            kind="model",
            name="omni-resnet",
            config="vidcore_omnisource.config:OmniResNet",
            factory="vidcore_omnisource.model:OmniResNet",
            summary="a SlowOnly network that looks at images, too, with a head for each",
        ),
        Component(
            kind="task",
            name="images-and-videos",
            config="vidcore_omnisource.config:ImagesAndVideosRecognition",
            factory="vidcore_omnisource.task:ImagesAndVideosTask",
            summary="the class of a video, learned beside the classes of images",
        ),
        Component(
            kind="dataset",
            name="images-and-videos",
            config="vidcore_omnisource.data_config:ImagesAndVideos",
            factory="vidcore_omnisource.dataset:images_and_videos",
            summary="batches of images and videos, for training",
        ),
    ]


@hookimpl
def vidcore_recipes() -> str:
    """The published configuration."""
    return "vidcore_omnisource:recipes"


@hookimpl
def vidcore_weights() -> str:
    """The published checkpoint."""
    return "vidcore_omnisource:weights.toml"
