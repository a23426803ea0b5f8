"""MMAction2's published detectors under our names. Pure dict -> dict.

backbone.layer3.0.conv1.conv.weight            ->  backbone.slow.stages.2.blocks.0.conv1.conv.weight
roi_head.bbox_head.fc_cls.weight               ->  head.fc.weight
roi_head.bbox_head.fc_cls.{0,2}.weight         ->  head.hidden.0.weight, head.fc.weight      (with a hidden layer)
roi_head.shared_head.conv1.conv.weight         ->  fusion.relate.conv.weight                 (ACRN; 1x1)
roi_head.shared_head.conv2.conv.weight         ->  fusion.spread.0.conv.weight               (its first 3x3)
roi_head.shared_head.convs.0.conv.weight       ->  fusion.spread.1.conv.weight               (further ones)
roi_head.shared_head.fbo.non_local_layer_1.st_feat_conv.conv.weight  ->  fusion.layers.0.query.weight
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from torch import Tensor

from vidcore.errors import WeightsError
from vidcore_resnet.weights import NORM
from vidcore_slowfast.weights import slowfast_from_mmaction2, slowonly_from_mmaction2

State = dict[str, Tensor]
_RELATION = re.compile(rf"roi_head\.shared_head\.(conv1|conv2|convs\.(\d+))\.(?:conv\.(weight)|bn\.{NORM})")
_BANK = re.compile(
    r"roi_head\.shared_head\.fbo\.(?:non_local_layer_(\d+)\.)?([a-z]+)(?:_feat)?(?:_conv)?(?:\.conv)?\.(weight|bias)"
)
_BANK_PARTS = {"st": "short.0", "lt": "long.0"}
_BANK_LAYERS = {"st": "query", "lt": "key", "global": "value", "out": "out", "ln": "norm"}
_HEAD = re.compile(r"roi_head\.bbox_head\.fc_cls\.(?:([02])\.)?(weight|bias)")


def slowonly_detector_from_mmaction2(state: Mapping[str, Tensor]) -> State:
    """Weights for `region-detector` over `slowonly`.

    Raises:
        WeightsError: A key belongs to another architecture.
    """
    return _detector(state, slowonly_from_mmaction2)


def slowfast_detector_from_mmaction2(state: Mapping[str, Tensor]) -> State:
    """Weights for `region-detector` over `slowfast`.

    Raises:
        WeightsError: A key belongs to another architecture.
    """
    return _detector(state, slowfast_from_mmaction2)


def _detector(state: Mapping[str, Tensor], backbone: Callable[[Mapping[str, Tensor]], State]) -> State:
    body = {key: value for key, value in state.items() if key.startswith("backbone.")}
    converted = {f"backbone.{key}": value for key, value in backbone(body).items()}
    unknown = []
    for key in state.keys() - body.keys():
        name = _rest(key)
        if name is None or name in converted:
            unknown.append(key)
        else:
            converted[name] = _shaped(key, state[key])
    if unknown:
        raise WeightsError(
            f"these weights are of another architecture than the converter's: {len(unknown)} unknown keys "
            f"({', '.join(sorted(unknown)[:5])})"
        )
    return converted


def _rest(key: str) -> str | None:
    if relation := _RELATION.fullmatch(key):
        return _in_relation(*relation.groups())
    if bank := _BANK.fullmatch(key):
        return _in_bank(*bank.groups())
    match = _HEAD.fullmatch(key)
    if match is None:
        return None
    layer, what = match.groups()
    return f"head.hidden.0.{what}" if layer == "0" else f"head.fc.{what}"


def _in_relation(place: str, further: str | None, weight: str | None, norm: str | None) -> str:
    """The first of the 3x3 convolutions has a place of its own there."""
    layer = "relate" if place == "conv1" else f"spread.{0 if further is None else int(further) + 1}"
    return f"fusion.{layer}.conv.{weight}" if weight else f"fusion.{layer}.norm.{norm}"


def _in_bank(layer: str | None, part: str, what: str) -> str | None:
    """Layers count from 1 there, from 0 here."""
    name = _BANK_PARTS.get(part) if layer is None else _BANK_LAYERS.get(part)
    place = "" if layer is None else f"layers.{int(layer) - 1}."
    return f"fusion.{place}{name}.{what}" if name else None


def _shaped(key: str, value: Tensor) -> Tensor:
    """Convolutions of one cell there are linear layers here, or have no time."""
    if ".fbo." in key and value.ndim > 1:
        return value.flatten() if ".ln." in key else value.flatten(1)
    return value.squeeze(2) if ".shared_head." in key and value.ndim == 5 else value
