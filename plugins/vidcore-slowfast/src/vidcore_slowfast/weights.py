"""MMAction2's published SlowOnly and SlowFast weights under our names. Pure dict -> dict, for any depth and option.

backbone.layer3.0.conv1.conv.weight             ->  slow.stages.2.blocks.0.conv1.conv.weight       (SlowOnly)
backbone.slow_path.layer3.0.conv1.bn.bias       ->  slow.stages.2.blocks.0.conv1.norm.bias         (SlowFast)
backbone.slow_path.conv1_lateral.conv.weight    ->  laterals.0.conv.weight
cls_head.fc_cls.weight                          ->  head.fc.weight
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from vidcore_resnet.weights import NORM, State, convert_keys, inflate_resnet, rename_mmaction2

_LATERAL = re.compile(rf"backbone\.slow_path\.(conv1|layer\d+)_lateral\.(?:(conv)\.(weight)|(bn)\.{NORM})")


def slowonly_from_mmaction2(state: Mapping[str, Tensor]) -> State:
    """Weights for `slowonly`.

    Raises:
        WeightsError: A key belongs to another architecture.
    """

    def rename(key: str) -> str | None:
        name = rename_mmaction2(key.removeprefix("backbone.")) if key.startswith("backbone.") else None
        return f"slow.{name}" if name else _head(key)

    return convert_keys(state, rename)


def slowfast_from_mmaction2(state: Mapping[str, Tensor]) -> State:
    """Weights for `slowfast`.

    Raises:
        WeightsError: A key belongs to another architecture.
    """

    def rename(key: str) -> str | None:
        for theirs, ours in (("backbone.slow_path.", "slow."), ("backbone.fast_path.", "fast.")):
            name = rename_mmaction2(key.removeprefix(theirs)) if key.startswith(theirs) else None
            if name:
                return ours + name
        return _lateral(key) or _head(key)

    return convert_keys(state, rename)


def slowonly_from_image(state: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> State:
    """Torchvision's ResNet inflated for `slowonly`; the classifier stays as it is."""
    return inflate_resnet(state, shapes, prefix="slow.")


def _lateral(key: str) -> str | None:
    match = _LATERAL.fullmatch(key)
    if match is None:
        return None
    after, conv, weight, _, norm = match.groups()
    index = 0 if after == "conv1" else int(after.removeprefix("layer"))  # the first one comes after the stem
    return f"laterals.{index}.conv.{weight}" if conv else f"laterals.{index}.norm.{norm}"


def _head(key: str) -> str | None:
    return {"cls_head.fc_cls.weight": "head.fc.weight", "cls_head.fc_cls.bias": "head.fc.bias"}.get(key)
