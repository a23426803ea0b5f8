"""Options of the network and of the method. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from attrs import field, frozen
from attrs.validators import and_, ge, gt, lt

from vidcore.config import ModelConfig, Shape


@frozen(kw_only=True)
class Bmn(ModelConfig):
    """Boundary-Matching Network: boundary curves, and a map of confidences over starts and durations."""

    in_channels: int = field(default=400, validator=ge(1))  # of the features
    length: int = field(default=100, validator=ge(4))  # moments of a video; starts and durations are counted in them
    samples: int = field(default=32, validator=ge(1))  # points that describe a proposal
    samples_per_bin: int = field(default=3, validator=ge(1))  # each averaged over so many nearby ones
    context: float = field(default=0.5, validator=ge(0.0))  # of its length that a proposal sees on either side
    width_1d: int = field(default=256, validator=and_(ge(4)))  # channels along time
    width_2d: int = field(default=128, validator=ge(1))  # of the map
    width_3d: int = field(default=512, validator=ge(1))  # of a proposal's points taken together
    groups: int = field(default=4, validator=ge(1))  # of convolutions along time

    def __attrs_post_init__(self) -> None:
        if self.width_1d % self.groups:
            raise ValueError(f"width_1d = {self.width_1d} is not a multiple of groups = {self.groups}")

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
        return cls(in_channels=8, length=12, samples=4, width_1d=16, width_2d=8, width_3d=16, num_classes=4)

    def example_inputs(self) -> dict[str, tuple[int, ...]]:
        """Features of a video."""
        return {"features": (self.in_channels, self.length)}


@frozen(kw_only=True)
class BoundaryMatching:
    """Learns where segments start and end, and how well each candidate fits one; proposals are pairs of boundaries."""

    boundary_weight: float = field(default=1.0, validator=ge(0.0))  # of the loss of the two curves
    regression_weight: float = field(default=10.0, validator=ge(0.0))  # of the loss of the predicted IoU
    classification_weight: float = field(default=1.0, validator=ge(0.0))  # of the loss of good against bad candidates
    boundary_threshold: float = field(default=0.5, validator=and_(gt(0.0), lt(1.0)))  # share of a bin near a boundary
    good_iou: float = field(default=0.9, validator=and_(gt(0.0), lt(1.0)))  # above it a candidate is good
    high_iou: float = field(default=0.7, validator=and_(gt(0.0), lt(1.0)))  # regression takes as many high candidates
    low_iou: float = field(default=0.3, validator=and_(gt(0.0), lt(1.0)))  # as medium and as low ones
    peak: float = field(
        default=0.5, validator=and_(gt(0.0), lt(1.0))
    )  # share of a curve's maximum above which a bin counts
    # the balance of regression as in the code that published figures come from: where there are more high candidates
    # than others, every cell of the map counts, also those that are no candidates
    as_published: bool = False
