"""Options of the networks. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from attrs import field, frozen
from attrs.validators import and_, ge, in_, lt

from vidcore.config import ModelConfig, Shape
from vidcore_resnet.plans import DEPTHS


def _stages(instance: Any, attribute: Any, value: tuple[Any, ...]) -> None:
    if len(value) != len(DEPTHS[50][1]):
        raise ValueError(f"{attribute.name!r} has one value for each of the 4 stages, got {len(value)}")


@frozen(kw_only=True)
class _AudioModel(ModelConfig):
    """What both networks have."""

    in_channels: int = field(default=1, validator=ge(1))
    dropout: float = field(default=0.5, validator=and_(ge(0.0), lt(1.0)))  # before the classifier
    init_std: float = field(default=0.01, validator=ge(0.0))  # of the classifier's weights

    def check_inputs(self, inputs: dict[str, Shape]) -> Iterator[str]:
        """A spectrogram with the channels that the stem takes."""
        if "audio" not in inputs:
            yield f"the model needs an input named 'audio', got {', '.join(sorted(inputs)) or 'none'}"
            return
        shape = inputs["audio"]
        if len(shape) != 3:
            yield "the model needs a spectrogram; add a transform of type mel-spectrogram"
        elif shape[0] is not None and shape[0] != self.in_channels:
            yield f"in_channels is {self.in_channels}, but the sound has {shape[0]} channels"

    def example_inputs(self) -> dict[str, tuple[int, ...]]:
        """One short spectrogram."""
        return {"audio": (self.in_channels, 32, 40)}


@frozen(kw_only=True)
class AudioTsn(_AudioModel):
    """An image ResNet on a spectrogram `[1, time, frequency]`; clips of a sound are merged like those of a video."""

    depth: int = field(default=18, validator=in_(tuple(DEPTHS)))
    base_channels: int = field(default=64, validator=ge(1))  # of the stem; each stage doubles them
    zero_init_residual: bool = False  # each block starts as its shortcut

    @classmethod
    def example(cls) -> Self:
        """A network small enough for tests."""
        return cls(depth=10, base_channels=16, num_classes=4)


@frozen(kw_only=True)
class AudioResNet(_AudioModel):
    """A ResNet whose early kernels look along time and along frequency apart (Xiao et al., arXiv:2001.08740)."""

    depth: int = field(default=50, validator=in_([depth for depth, (kind, _) in DEPTHS.items() if kind != "basic"]))
    base_channels: int = field(default=32, validator=ge(1))  # of the stem; each stage doubles them
    stage_blocks: tuple[int, ...] | None = None  # blocks of each stage, where they are not those of `depth`
    stem_kernel: int = field(default=9, validator=in_(range(1, 32, 2)))  # along time and along frequency
    stem_stride: int = field(default=1, validator=ge(1))
    strides: tuple[int, ...] = field(default=(1, 2, 2, 2), validator=_stages)  # one for each stage
    dilations: tuple[int, ...] = field(default=(1, 1, 1, 1), validator=_stages)  # one for each stage
    factorize: tuple[bool, ...] = field(default=(True, True, False, False), validator=_stages)  # one for each stage
    zero_init_residual: bool = True  # each block starts as its shortcut

    def __attrs_post_init__(self) -> None:
        if self.stage_blocks is not None and len(self.stage_blocks) != len(self.strides):
            raise ValueError(f"'stage_blocks' has one value for each of the 4 stages, got {len(self.stage_blocks)}")

    @classmethod
    def example(cls) -> Self:
        """A network small enough for tests."""
        return cls(base_channels=8, stage_blocks=(1, 1, 1, 1), num_classes=4)
