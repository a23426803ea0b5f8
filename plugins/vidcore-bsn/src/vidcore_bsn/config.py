"""Options of both networks, of how they learn, and of the data between them. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal, Self

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, gt, le, lt, min_len

from vidcore.config import DatasetConfig, Facts, ModelConfig, Shape
from vidcore_localization.class_names import known_classes

_share = and_(ge(0.0), le(1.0))


@frozen(kw_only=True)
class Tem(ModelConfig):
    """Temporal evaluation: how likely each moment is action, start or end."""

    in_channels: int = field(default=400, validator=ge(1))  # of the features
    length: int = field(default=100, validator=ge(4))  # moments of a video
    width: int = field(default=512, validator=ge(1))  # channels of both hidden layers
    # factors after each of the three convolutions; the last makes the curves begin near one half
    scales: tuple[float, float, float] = field(default=(1.0, 1.0, 0.01), validator=deep_iterable(gt(0.0)))

    def check_inputs(self, inputs: dict[str, Shape]) -> Iterator[str]:
        """Features must have these channels and this length."""
        channels, length = inputs.get("features", (None, None))
        if channels is not None and channels != self.in_channels:
            yield f"features have {channels} channels, model.in_channels is {self.in_channels}"
        if length is not None and length != self.length:
            yield f"features have {length} moments, model.length is {self.length}"

    @classmethod
    def example(cls) -> Self:
        """A network small enough for tests."""
        return cls(in_channels=8, length=12, width=16, num_classes=4)

    def example_inputs(self) -> dict[str, tuple[int, ...]]:
        """Features of a video."""
        return {"features": (self.in_channels, self.length)}


@frozen(kw_only=True)
class Pem(ModelConfig):
    """Proposal evaluation: how well a candidate fits an action, from the curves within and around it."""

    in_channels: int = field(default=32, validator=ge(1))  # numbers that describe a candidate
    width: int = field(default=256, validator=ge(1))  # of the hidden layer
    scales: tuple[float, float] = field(default=(0.1, 0.1), validator=deep_iterable(gt(0.0)))  # after each layer

    def check_inputs(self, inputs: dict[str, Shape]) -> Iterator[str]:
        """Candidates must be described by as many numbers."""
        (channels,) = inputs.get("candidates", (None,))
        if channels is not None and channels != self.in_channels:
            yield f"candidates have {channels} numbers, model.in_channels is {self.in_channels}"

    @classmethod
    def example(cls) -> Self:
        """A network small enough for tests."""
        return cls(in_channels=8, width=16, num_classes=4)

    def example_inputs(self) -> dict[str, tuple[int, ...]]:
        """A candidate."""
        return {"candidates": (self.in_channels,)}


@frozen(kw_only=True)
class BoundaryProbability:
    """Learns the three curves. Predictions hold the curves; `vidcore data proposals` makes candidates of them."""

    boundary_ratio: float = field(default=0.1, validator=_share)  # of a segment's length that counts as boundary
    threshold: float = field(default=0.5, validator=and_(gt(0.0), lt(1.0)))  # share of a moment that makes it positive
    action_weight: float = field(default=2.0, validator=ge(0.0))  # of the loss of the action curve


@frozen(kw_only=True)
class ProposalEvaluation:
    """Learns the IoU of candidates; a proposal's score is that times those of its boundaries."""

    high_iou: float = field(default=0.6, validator=_share)  # above it a candidate is high
    low_iou: float = field(default=0.2, validator=_share)  # up to it a candidate is low, between medium
    medium_share: float = field(default=1.0, validator=ge(0.0))  # medium candidates that count, for each high one
    low_share: float = field(default=2.0, validator=ge(0.0))  # low candidates that count, for each high one
    # as the code that published figures come from: there the weights cancel, and every candidate counts alike
    as_published: bool = False


@frozen(kw_only=True)
class CandidateFeatures(DatasetConfig):
    """Candidates and their features, a CSV and an .npy file for each video, as `vidcore data proposals` writes them."""

    needs_sampling: ClassVar[bool] = False

    # JSON below data.root: video -> duration and segments, as ActivityNet's, with or without "database" around
    annotations: str = field(validator=min_len(1))
    subset: str = ""  # of the videos, where the JSON says which they belong to; "": all
    proposals: str = "pgm_proposals"  # folder of the CSV files, below data.root
    features: str = "pgm_features"  # folder of the .npy files, below data.root
    top_k: int = field(default=1000, validator=ge(1))  # candidates of each video, best first
    channels: int = field(default=32, validator=ge(1))  # numbers that describe a candidate
    classes: str | tuple[str, ...] = ""  # file below data.root, or the names; "": all that the annotations name, sorted
    missing: Literal["skip", "fail"] = "skip"  # videos without candidates: left out and counted, or an error

    def facts(self, root: Path) -> Facts:
        """Classes, and the shape of a candidate."""
        classes = known_classes(self.classes, root, root / self.annotations)
        return Facts(classes=classes, inputs={"candidates": (self.channels,)})

    def is_there(self, root: Path) -> bool:
        """The annotations are."""
        return (root / self.annotations).exists()


@frozen(kw_only=True)
class ProposalStage:
    """Candidates as a stage, what `vidcore data proposals` does. It writes the folders `proposals` and `features`."""

    predictions: tuple[str, ...] = field(validator=min_len(1))  # files of curves, such as "stage:curves/train"
    peak: float = field(default=0.5, validator=_share)  # of a curve's maximum, above which a moment is a boundary
    top_k: int = field(default=1000, validator=ge(1))  # candidates of a video that are kept
