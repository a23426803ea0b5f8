"""The shape of the clips that a data set gives, told by its options alone: without torch and without a video."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vidcore.config.base import DatasetConfig, Shape
from vidcore.data.sampling_config import SamplingConfig
from vidcore.data.transform_config import KnownSize, TransformConfig


def clip_shape(config: DatasetConfig) -> Shape:
    """Shape of one view, `(channels, frames, height, width)`, as far as sampling and transforms tell it."""
    frames = config.sampling.clip_length if isinstance(config.sampling, SamplingConfig) else None
    return 3, frames, *frame_size(config.transforms)


def frame_size(transforms: Mapping[str, Any]) -> KnownSize:
    """Height and width that come out of transforms, whatever goes in."""
    size: KnownSize = (None, None)
    for config in transforms.values():
        size = config.out_size(size) if isinstance(config, TransformConfig) else (None, None)
    return size
