"""MMAction2's published weights under our names. Pure dict -> dict, for any depth.

backbone.layer3.0.conv1.weight   ->  trunk.stages.2.blocks.0.conv1.conv.weight
backbone.layer3.0.bn1.bias       ->  trunk.stages.2.blocks.0.conv1.norm.bias
cls_head.fc2d.4.weight           ->  image_head.fc.weight
cls_head.fc3d.6.weight           ->  video_head.fc.weight
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from vidcore_resnet.weights import State, convert_keys, inflate_resnet, rename_torchvision

_HEAD_KEY = re.compile(r"cls_head\.(fc2d|fc3d)\.(\d)\.(\w+)")
_PLAIN = {"2": "norm", "4": "fc"}  # layers of a head by their number in it
_HIDDEN = {"2": "hidden", "3": "norm", "6": "fc"}


def from_mmaction2(state: Mapping[str, Tensor]) -> State:
    """Weights for `omni-resnet`. Its head for videos may have a hidden layer or none.

    Raises:
        WeightsError: A key belongs to another architecture.
    """
    of_videos = _HIDDEN if "cls_head.fc3d.6.weight" in state else _PLAIN

    def rename(key: str) -> str | None:
        if key.startswith("backbone."):  # its layers have the names of torchvision's
            name = rename_torchvision(key.removeprefix("backbone."))
            return name and f"trunk.{name}"
        match = _HEAD_KEY.fullmatch(key)
        if match is None:
            return None
        head, number, what = match.groups()
        layer = (_PLAIN if head == "fc2d" else of_videos).get(number)
        return layer and f"{'image' if head == 'fc2d' else 'video'}_head.{layer}.{what}"

    return convert_keys(state, rename)


def from_image(state: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> State:
    """Torchvision's ResNet inflated for `omni-resnet`; both heads stay as they are."""
    return inflate_resnet(state, shapes, prefix="trunk.")
