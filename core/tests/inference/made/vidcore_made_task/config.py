from __future__ import annotations

from pathlib import Path

from attrs import frozen

from vidcore.config import DatasetConfig, Facts
from vidcore.plugins import Component


@frozen(kw_only=True)
class MadeTask:
    """Tell the class of a clip."""

    mean: tuple[float, ...] = (123.675, 116.28, 103.53)
    std: tuple[float, ...] = (58.395, 57.12, 57.375)


@frozen(kw_only=True)
class MadeTopK:
    """The share of samples whose class is among the k highest scores."""

    top_k: tuple[int, ...] = (1, 2)


@frozen(kw_only=True)
class MadeVideos(DatasetConfig):
    """A folder of videos for each class."""

    classes: tuple[str, ...] = ()

    def facts(self, root: Path) -> Facts:
        return Facts(classes=self.classes)


COMPONENTS = [
    Component(
        kind=kind,
        name=name,
        config=f"vidcore_made_task.config:{cls}",
        factory=f"vidcore_made_task.task:{cls}",
        summary="made",
    )
    for kind, name, cls in (
        ("task", "made-classes", "MadeTask"),
        ("metric", "made-top-k", "MadeTopK"),
        ("dataset", "made-videos", "MadeVideos"),
    )
]
