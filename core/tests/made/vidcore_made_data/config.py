from __future__ import annotations

from pathlib import Path

from attrs import frozen

from vidcore.config import DatasetConfig, Facts
from vidcore.data.clip_shape import clip_shape
from vidcore.data.transform_config import TransformConfig
from vidcore.plugins import Component


@frozen(kw_only=True)
class MadeFolders(DatasetConfig):
    """A folder of videos for each class."""

    classes: tuple[str, ...] = ("down", "up")
    paths: tuple[str, ...] = ()  # `class/video.mp4`; left out: all that are there

    def facts(self, root: Path) -> Facts:
        return Facts(classes=self.classes, inputs={"video": clip_shape(self)})


@frozen(kw_only=True)
class MadeBrightness(TransformConfig):
    """Make a sample darker or brighter."""

    most: float = 0.5


COMPONENTS = [
    Component(
        kind=kind,
        name=name,
        config=f"vidcore_made_data.config:{cls}",
        factory=f"vidcore_made_data.parts:{cls}",
        summary="made",
    )
    for kind, name, cls in (
        ("dataset", "made-folders", "MadeFolders"),
        ("transform", "made-brightness", "MadeBrightness"),
    )
]
