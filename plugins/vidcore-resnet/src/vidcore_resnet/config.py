"""Options of the frame-wise ResNet. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from attrs import field, frozen
from attrs.validators import and_, ge, in_, lt

from vidcore.config import ModelConfig, Shape
from vidcore_resnet.plans import DEPTHS


@frozen(kw_only=True)
class ResNet2D(ModelConfig):
    """A 2D ResNet that looks at each frame alone and merges what it says of them: the baseline without motion."""

    depth: int = field(default=50, validator=in_(tuple(DEPTHS)))
    in_channels: int = field(default=3, validator=ge(1))
    base_channels: int = field(default=64, validator=ge(1))  # of the stem; each stage doubles them
    consensus: Literal["avg", "max"] = "avg"  # how the logits of the frames are merged
    dropout: float = field(default=0.5, validator=and_(ge(0.0), lt(1.0)))  # before the classifier
    zero_init_residual: bool = True  # each block starts as its shortcut
    init_std: float = field(default=0.01, validator=ge(0.0))  # of the classifier's weights

    def check_inputs(self, inputs: dict[str, Shape]) -> Iterator[str]:
        """The video must have the channels that the stem takes."""
        yield from wrong_channels(inputs, self.in_channels)

    @classmethod
    def example(cls) -> Self:
        """A network small enough for tests."""
        return cls(depth=10, base_channels=16, num_classes=4)

    def example_inputs(self) -> dict[str, tuple[int, ...]]:
        """One short clip."""
        return {"video": (self.in_channels, 8, 32, 32)}


def wrong_channels(inputs: dict[str, Shape], in_channels: int) -> Iterator[str]:
    """Say so when the channels of `video` (C, T, H, W) are known and not `in_channels`."""
    if "video" not in inputs:
        yield f"the model needs an input named 'video', got {', '.join(sorted(inputs)) or 'none'}"
        return
    channels = inputs["video"][0]
    if channels is not None and channels != in_channels:
        yield f"in_channels is {in_channels}, but the video has {channels} channels"
