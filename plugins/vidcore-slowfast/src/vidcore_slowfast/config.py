"""Options of SlowOnly and SlowFast. Imports no torch.

The number of stages is the number of entries of `spatial_strides`; every other option with one entry for each stage
must have as many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, in_, lt, min_len, optional

from vidcore.config import ModelConfig, Shape
from vidcore_resnet.config import wrong_channels
from vidcore_resnet.plans import DEPTHS, NonLocal, StageInflation, StagePlan, plan_stages, problems, refuse

_positive = ge(1)
_per_stage: Callable[[Any, Any, Any], None] = and_(min_len(1), deep_iterable(_positive))
_size3 = deep_iterable(_positive)


def _odd(instance: object, attribute: Any, value: int | Sequence[int]) -> None:
    """Kernels are centred, so that a map keeps its size."""
    sizes = (value,) if isinstance(value, int) else value
    if any(size < 1 or size % 2 == 0 for size in sizes):
        raise ValueError(f"{attribute.name!r} must be odd, got {value}")


@frozen(kw_only=True)
class SlowOnly(ModelConfig):
    """The slow pathway alone: a ResNet that looks at few frames, with temporal kernels in its late stages."""

    depth: int = field(default=50, validator=in_(tuple(DEPTHS)))
    stage_blocks: tuple[int, ...] | None = field(
        default=None, validator=optional(_per_stage)
    )  # left out: as depth says
    in_channels: int = field(default=3, validator=_positive)  # of the video
    base_channels: int = field(default=64, validator=_positive)  # of the stem; each stage doubles them
    stem_kernel: tuple[int, int, int] = field(default=(1, 7, 7), validator=_odd)  # over time, height, width
    stem_stride: tuple[int, int, int] = field(default=(1, 2, 2), validator=_size3)
    stem_pool: bool = True  # a 1x3x3 max pool after the first convolution
    stem_pool_stride: tuple[int, int, int] = field(default=(1, 2, 2), validator=_size3)  # over time, height, width
    spatial_strides: tuple[int, ...] = field(default=(1, 2, 2, 2), validator=_per_stage)  # one for each stage
    temporal_strides: tuple[int, ...] = field(default=(1, 1, 1, 1), validator=_per_stage)  # one for each stage
    dilations: tuple[int, ...] = field(default=(1, 1, 1, 1), validator=_per_stage)  # in space
    # temporal kernels of each stage: for all its blocks, or a list with one for each block
    inflation: tuple[StageInflation, ...] = ("1x1x1", "1x1x1", "3x1x1", "3x1x1")
    non_local: NonLocal = field(factory=NonLocal)  # where non-local blocks sit, and of which kind
    dropout: float = field(default=0.5, validator=and_(ge(0.0), lt(1.0)))  # before the classifier
    zero_init_residual: bool = True  # each block starts as its shortcut
    init_std: float = field(default=0.01, validator=ge(0.0))  # of the classifier's weights

    def __attrs_post_init__(self) -> None:
        refuse(
            problems(
                depth=self.depth,
                num_stages=len(self.spatial_strides),
                per_stage={
                    "temporal_strides": self.temporal_strides,
                    "dilations": self.dilations,
                },
                inflation={"inflation": self.inflation},
                stage_blocks=self.stage_blocks,
                non_local=self.non_local,
            )
        )

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

    def stages(self) -> tuple[StagePlan, ...]:
        """The plan of the network."""
        return plan_stages(
            depth=self.depth,
            base_channels=self.base_channels,
            spatial_strides=self.spatial_strides,
            temporal_strides=self.temporal_strides,
            dilations=self.dilations,
            inflation=self.inflation,
            stage_blocks=self.stage_blocks,
            non_local=self.non_local,
        )


@frozen(kw_only=True)
class SlowFast(ModelConfig):
    """Two pathways at two frame rates; lateral connections bring the fast map to the slow one before each stage."""

    depth: int = field(default=50, validator=in_(tuple(DEPTHS)))  # of both pathways
    fast_depth: int | None = field(default=None, validator=optional(in_(tuple(DEPTHS))))  # left out: as depth
    stage_blocks: tuple[int, ...] | None = field(
        default=None, validator=optional(_per_stage)
    )  # left out: as depth says
    fast_stage_blocks: tuple[int, ...] | None = field(
        default=None, validator=optional(_per_stage)
    )  # as fast_depth says
    in_channels: int = field(default=3, validator=_positive)  # of the video
    base_channels: int = field(default=64, validator=_positive)  # of the slow stem; each stage doubles them
    channel_ratio: int = field(default=8, validator=_positive)  # slow channels / fast channels: 1/beta of the paper
    speed_ratio: int = field(default=8, validator=_positive)  # fast frames / slow frames: alpha of the paper
    fast_interval: int = field(default=1, validator=_positive)  # the fast pathway takes every n-th frame of the clip
    fusion_kernel: int = field(default=5, validator=_odd)  # frames that a lateral convolution reaches over
    fusion_ratio: int = field(default=2, validator=_positive)  # channels of a lateral connection / fast channels
    lateral_norm: bool = False  # norm and ReLU after each lateral convolution
    slow_stem_kernel: tuple[int, int, int] = field(default=(1, 7, 7), validator=_odd)  # over time, height, width
    fast_stem_kernel: tuple[int, int, int] = field(default=(5, 7, 7), validator=_odd)  # the same
    stem_stride: tuple[int, int, int] = field(
        default=(1, 2, 2), validator=_size3
    )  # of both pathways, as all that follow
    stem_pool: bool = True  # a 1x3x3 max pool after the first convolution
    stem_pool_stride: tuple[int, int, int] = field(default=(1, 2, 2), validator=_size3)  # over time, height, width
    spatial_strides: tuple[int, ...] = field(default=(1, 2, 2, 2), validator=_per_stage)  # one for each stage
    temporal_strides: tuple[int, ...] = field(default=(1, 1, 1, 1), validator=_per_stage)  # one for each stage
    slow_dilations: tuple[int, ...] = field(default=(1, 1, 1, 1), validator=_per_stage)  # in space
    fast_dilations: tuple[int, ...] = field(default=(1, 1, 1, 1), validator=_per_stage)  # the same
    # temporal kernels of each stage: for all its blocks, or a list with one for each block
    slow_inflation: tuple[StageInflation, ...] = ("1x1x1", "1x1x1", "3x1x1", "3x1x1")
    fast_inflation: tuple[StageInflation, ...] = ("3x1x1", "3x1x1", "3x1x1", "3x1x1")  # the same
    slow_non_local: NonLocal = field(factory=NonLocal)  # non-local blocks of the slow pathway
    fast_non_local: NonLocal = field(factory=NonLocal)  # and of the fast one
    dropout: float = field(default=0.5, validator=and_(ge(0.0), lt(1.0)))  # before the classifier
    zero_init_residual: bool = True  # each block starts as its shortcut
    init_std: float = field(default=0.01, validator=ge(0.0))  # of the classifier's weights

    @property
    def fast_channels(self) -> int:
        """Channels of the fast stem."""
        return self.base_channels // self.channel_ratio

    def __attrs_post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[str]:
        if self.base_channels % self.channel_ratio:
            yield f"base_channels = {self.base_channels} is not a multiple of channel_ratio = {self.channel_ratio}"
        yield from problems(
            depth=self.depth,
            num_stages=len(self.spatial_strides),
            per_stage={
                "temporal_strides": self.temporal_strides,
                "slow_dilations": self.slow_dilations,
            },
            inflation={"slow_inflation": self.slow_inflation},
            stage_blocks=self.stage_blocks,
            non_local=self.slow_non_local,
            prefix="slow_",
        )
        yield from problems(
            depth=self.fast_depth or self.depth,
            num_stages=len(self.spatial_strides),
            per_stage={"fast_dilations": self.fast_dilations},
            inflation={"fast_inflation": self.fast_inflation},
            stage_blocks=self.fast_stage_blocks,
            non_local=self.fast_non_local,
            prefix="fast_",
        )

    def check_inputs(self, inputs: dict[str, Shape]) -> Iterator[str]:
        """The clip must have the stem's channels and frames for whole steps of the slow pathway."""
        yield from wrong_channels(inputs, self.in_channels)
        frames = inputs["video"][1] if "video" in inputs else None
        step = self.fast_interval * self.speed_ratio
        if frames is not None and frames % step:
            yield (
                f"a clip of {frames} frames cannot be shared between the pathways: "
                f"it must be a multiple of {step} (fast_interval x speed_ratio)"
            )

    @classmethod
    def example(cls) -> Self:
        """A network small enough for tests."""
        return cls(depth=10, base_channels=16, num_classes=4)

    def example_inputs(self) -> dict[str, tuple[int, ...]]:
        """One short clip."""
        return {"video": (self.in_channels, 2 * self.fast_interval * self.speed_ratio, 32, 32)}

    def slow_stages(self) -> tuple[StagePlan, ...]:
        """The plan of the slow pathway; the lateral channels come on top of it."""
        return plan_stages(
            depth=self.depth,
            base_channels=self.base_channels,
            spatial_strides=self.spatial_strides,
            temporal_strides=self.temporal_strides,
            dilations=self.slow_dilations,
            inflation=self.slow_inflation,
            stage_blocks=self.stage_blocks,
            non_local=self.slow_non_local,
        )

    def fast_stages(self) -> tuple[StagePlan, ...]:
        """The plan of the fast pathway."""
        return plan_stages(
            depth=self.fast_depth or self.depth,
            base_channels=self.fast_channels,
            spatial_strides=self.spatial_strides,
            temporal_strides=self.temporal_strides,
            dilations=self.fast_dilations,
            inflation=self.fast_inflation,
            stage_blocks=self.fast_stage_blocks,
            non_local=self.fast_non_local,
        )
