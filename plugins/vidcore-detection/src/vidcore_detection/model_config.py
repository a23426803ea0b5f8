"""Options of the detector. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from attrs import field, frozen
from attrs.validators import and_, ge, lt

from vidcore.config import ModelConfig, Shape
from vidcore.config.slots import ModelSlot, Slot

Pool = Literal["avg", "max"]
FusionSlot = Annotated[Any, Slot("detection.fusion")]


@frozen(kw_only=True)
class RegionDetector(ModelConfig):
    """Pools the maps of a backbone in boxes, and tells for each box which actions are done in it."""

    # any model of clips; its classifier is taken out. `weights` of this table start it alone
    backbone: ModelSlot
    maps: int = field(default=1, validator=ge(1))  # how many of its last maps are pooled; they are joined by channels
    temporal_pool: Pool = "avg"  # of the maps over time, before boxes are cut out
    output_size: int = field(default=8, validator=ge(1))  # cells a side that a box is pooled into
    sampling_ratio: int = field(default=0, validator=ge(0))  # points a side of each cell; 0: as many as cells it covers
    context: bool = False  # what the whole frame shows stands beside each box, as further channels
    fusion: FusionSlot | None = None  # what a box is brought together with before the classifier
    spatial_pool: Pool = "max"  # over the cells of a box
    dropout: float = field(default=0.5, validator=and_(ge(0.0), lt(1.0)))  # of what was pooled in a box
    hidden_layer: bool = False  # a layer with ReLU before the classifier, as wide as its input
    spare_output: bool = False  # a first output that stands for no class, as published weights have it
    init_std: float = field(default=0.01, validator=ge(0.0))  # of the classifier's weights

    def check_inputs(self, inputs: dict[str, Shape]) -> Iterator[str]:
        """What the backbone says."""
        yield from self.backbone.check_inputs(inputs)

    @classmethod
    def example(cls) -> Self:
        """Over a network of single frames, small enough for tests."""
        from vidcore_resnet.config import ResNet2D

        return cls(backbone=ResNet2D(depth=10, base_channels=8), output_size=2, context=True, num_classes=4)

    def example_inputs(self) -> dict[str, tuple[int, ...]]:
        """What the backbone takes; without boxes the whole frame is looked at."""
        shapes: dict[str, tuple[int, ...]] = self.backbone.example_inputs()
        return shapes
