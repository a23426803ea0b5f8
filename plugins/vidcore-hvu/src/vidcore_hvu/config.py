"""Options of the data set. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from attrs import field, frozen
from attrs.validators import min_len

from vidcore.config import DatasetConfig, Facts
from vidcore.data.clip_shape import clip_shape
from vidcore_hvu.annotations import class_names, read_kinds


@frozen(kw_only=True)
class Hvu(DatasetConfig):
    """Videos with labels of several kinds: actions, scenes, objects, ..., each known for some videos only."""

    list: str = field(validator=min_len(1))  # JSON below data.root: objects with `filename` and `label`
    classes: str = field(validator=min_len(1))  # JSON below data.root: kind -> names of its classes
    folder: str = ""  # of the videos, below data.root

    def facts(self, root: Path) -> Facts:
        """Classes from their file, and the shape of a clip."""
        file = root / self.classes
        return Facts(
            classes=class_names(read_kinds(file)) if file.exists() else None, inputs={"video": clip_shape(self)}
        )

    def is_there(self, root: Path) -> bool:
        """The list is."""
        return (root / self.list).exists()
