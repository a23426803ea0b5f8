"""Options of the task and of the data set. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from attrs import field, frozen
from attrs.validators import ge, gt, min_len, optional

from vidcore.config import DatasetConfig, Facts
from vidcore.config.slots import Slot
from vidcore_localization.class_names import known_classes

MethodSlot = Annotated[Any, Slot("localization.method")]


@frozen(kw_only=True)
class Suppression:
    """Keeps near duplicates with lower scores (soft-NMS), milder for long segments."""

    alpha: float = field(default=0.4, validator=gt(0.0))  # scores of neighbours decay by exp(-IoU^2 / alpha)
    low: float = field(default=0.5, validator=ge(0.0))  # IoU above which a neighbour of a short segment decays
    high: float = field(default=0.9, validator=ge(0.0))  # the same for a segment as long as the video
    top_k: int = field(default=100, validator=ge(1))  # segments kept for each video


@frozen(kw_only=True)
class Classifier:
    """Gives proposals classes, from scores that another model made: of whole videos, or of every moment."""

    # of videos: JSON with "class" (names) and "results" (video -> score of each class), as CUHK's for ActivityNet are,
    # or a predictions file of vidcore; of moments: a folder that `vidcore data features --what scores` wrote
    scores: str = field(validator=min_len(1))
    top: int = field(default=2, validator=ge(1))  # classes of each proposal, which is detected once for each


@frozen(kw_only=True)
class Localization:
    """Tell when something happens in a video. How targets and proposals are made is up to the method."""

    method: MethodSlot  # what the model's outputs mean: how they are learned, and how they become proposals
    suppression: Suppression = field(factory=Suppression)
    classifier: Classifier | None = None  # left out: proposals have no classes
    # frames between two features, where times shall count whole steps of them, as published figures did; left out:
    # times count what the data set says that the features cover
    feature_interval: int | None = field(default=None, validator=optional(ge(1)))


@frozen(kw_only=True)
class FeatureSegments(DatasetConfig):
    """Features of whole videos, a file for each, and the segments in which something happens, in one JSON file."""

    needs_sampling: ClassVar[bool] = False

    # JSON below data.root: video -> duration and segments, as ActivityNet's, with or without "database" around
    annotations: str = field(validator=min_len(1))
    subset: str = ""  # of the videos, where the JSON says which they belong to; "": all
    # folder below data.root; several, such as of RGB and of flow: their channels are joined
    features: str | tuple[str, ...] = field(default="")
    prefix: str = ""  # of a feature file, before the video's name
    suffix: Literal[".csv", ".npy", ".npz"] = ".csv"  # of a feature file, after the video's name
    layout: Literal["time-first", "channels-first"] = "time-first"  # of the array in a file
    length: int = field(default=100, validator=ge(2))  # features of a video over time
    resample: bool = False  # features of another length are averaged or interpolated to it, not an error
    channels: int | None = field(default=None, validator=optional(ge(1)))  # left out: whatever the files have
    classes: str | tuple[str, ...] = ""  # file below data.root, or the names; "": all that the annotations name, sorted
    missing: Literal["skip", "fail"] = "skip"  # videos without a feature file: left out and counted, or an error

    @features.validator
    def _is_some_folder(self, attribute: Any, value: str | tuple[str, ...]) -> None:
        if value == ():
            raise ValueError("names no folder")

    def facts(self, root: Path) -> Facts:
        """Classes, and the shape of the features."""
        classes = known_classes(self.classes, root, root / self.annotations)
        return Facts(classes=classes, inputs={"features": (self.channels, self.length)})

    def is_there(self, root: Path) -> bool:
        """The annotations are."""
        return (root / self.annotations).exists()
