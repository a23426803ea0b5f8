"""A recognition model as the backbone of another: without its classifier, and what is known of its maps."""

from __future__ import annotations

from typing import Any

import torch
from attrs import evolve, frozen
from torch import nn

from vidcore.config import ModelConfig
from vidcore.errors import ConfigError
from vidcore.plugins import build

_HEADS = ("head.",)  # what the core takes for the head of a model that does not say


@frozen
class Maps:
    """The maps that a backbone gives, as far as they do not depend on the clip."""

    channels: tuple[int, ...]  # of each map
    stride: float  # pixels of a frame from one cell to the next


def build_backbone(config: ModelConfig) -> nn.Module:
    """The model without what tells classes.

    Raises:
        ConfigError: It has no `features`, or its head is no module of its own.
    """
    model: nn.Module = build(evolve(config, num_classes=config.num_classes or 1))
    if not callable(getattr(model, "features", None)):
        raise ConfigError(f"model.backbone: {type(model).__name__} has no features(), so nothing can be pooled from it")
    for prefix in getattr(model, "head_prefixes", _HEADS):
        place, _, name = prefix.removesuffix(".").rpartition(".")
        parent = model.get_submodule(place)
        if not isinstance(getattr(parent, name, None), nn.Module):
            raise ConfigError(f"model.backbone: the head {prefix!r} of {type(model).__name__} is no module of its own")
        setattr(parent, name, nn.Identity())
    return model


def probe_maps(config: ModelConfig, count: int) -> Maps:
    """What the last `count` maps are like, found out on the meta device: nothing is computed.

    Raises:
        ConfigError: There are fewer maps, they have no time or differ in size.
    """
    shapes = config.example_inputs()
    with torch.device("meta"), torch.no_grad():
        model: Any = build_backbone(config).eval()
        maps = model.features(**{name: torch.empty(1, *shape) for name, shape in shapes.items()})[-count:]
    found = [tuple(one.shape) for one in maps]
    what = f"model.backbone: {type(model).__name__}"
    if len(found) < count or any(len(shape) != 5 for shape in found):
        raise ConfigError(f"{what} gives maps of shapes {found}; model.maps = {count} of [N, C, T, H, W] are needed")
    if len({shape[3:] for shape in found}) > 1:
        raise ConfigError(f"{what}: its last {count} maps differ in size ({found}); lower model.maps")
    height, width = shapes["video"][-2:]
    strides = height / found[0][3], width / found[0][4]
    if strides[0] != strides[1]:
        raise ConfigError(f"{what}: its cells are no squares: {strides[0]} by {strides[1]} pixels")
    return Maps(tuple(shape[1] for shape in found), strides[0])
