"""MMAction2's audio weights under our names. Pure dict -> dict, for any depth.

audio-tsn      backbone.layer1.0.conv1.conv.weight               ->  trunk.stages.0.blocks.0.conv1.conv.weight
audio-resnet   backbone.conv1.conv.conv_1.bn.bias                ->  stem.along_time.norm.bias
               backbone.conv1.bn.bias                            ->  stem_norm.bias
               backbone.layer1.0.conv2.conv.conv_2.conv.weight   ->  stages.0.0.conv2.along_frequency.conv.weight
               backbone.layer3.0.conv2.conv.weight               ->  stages.2.0.conv2.weight
both           cls_head.fc_cls.weight                            ->  head.fc.weight
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from vidcore_resnet.weights import NORM, State, convert_keys, rename_mmaction2

_HEAD = {"cls_head.fc_cls.weight": "head.fc.weight", "cls_head.fc_cls.bias": "head.fc.bias"}
_BRANCHES = {"conv_1": "along_time", "conv_2": "along_frequency"}
_PART = rf"(conv)\.(weight)|(bn)\.{NORM}"
_STEM_BRANCH = re.compile(rf"conv1\.conv\.(conv_[12])\.(?:{_PART})")
_STEM_NORM = re.compile(rf"conv1\.bn\.{NORM}")
_BRANCH = re.compile(rf"layer(\d)\.(\d+)\.conv2\.conv\.(conv_[12])\.(?:{_PART})")
_PLAIN = re.compile(r"layer(\d)\.(\d+)\.conv2\.conv\.weight")
_OTHER = re.compile(rf"layer(\d)\.(\d+)\.(conv1|conv3|downsample)\.(?:{_PART})")


def tsn_from_mmaction2(state: Mapping[str, Tensor]) -> State:
    """Weights for `audio-tsn`.

    Raises:
        WeightsError: A key belongs to another architecture.
    """

    def rename(key: str) -> str | None:
        name = rename_mmaction2(key.removeprefix("backbone.")) if key.startswith("backbone.") else None
        return f"trunk.{name}" if name else _HEAD.get(key)

    return convert_keys(state, rename)


def resnet_from_mmaction2(state: Mapping[str, Tensor]) -> State:
    """Weights for `audio-resnet`.

    Raises:
        WeightsError: A key belongs to another architecture.
    """
    return convert_keys(state, _rename_resnet)


def _rename_resnet(key: str) -> str | None:
    if not key.startswith("backbone."):
        return _HEAD.get(key)
    name = key.removeprefix("backbone.")
    if match := _STEM_BRANCH.fullmatch(name):
        return f"stem.{_BRANCHES[match[1]]}.{_part(*match.groups()[1:])}"
    if match := _STEM_NORM.fullmatch(name):
        return f"stem_norm.{match[1]}"
    if match := _BRANCH.fullmatch(name):
        return f"{_block(match)}.conv2.{_BRANCHES[match[3]]}.{_part(*match.groups()[3:])}"
    if match := _PLAIN.fullmatch(name):
        return f"{_block(match)}.conv2.weight"
    if match := _OTHER.fullmatch(name):
        return f"{_block(match)}.{match[3]}.{_part(*match.groups()[3:])}"
    return None


def _block(match: re.Match[str]) -> str:
    return f"stages.{int(match[1]) - 1}.{match[2]}"  # layer1 is stage 0


def _part(conv: str | None, weight: str | None, bn: str | None, entry: str | None) -> str:
    return f"conv.{weight}" if conv else f"norm.{entry}"
