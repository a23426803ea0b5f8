"""MMAction2's published PoseC3D and RGBPose-Conv3D weights under our names. Pure dict -> dict, for any depth.

backbone.layer3.0.conv1.conv.weight               ->  network.slow.stages.2.blocks.0.conv1.conv.weight    (PoseC3D)
backbone.rgb_path.layer3.0.conv1.bn.bias          ->  rgb.stages.2.blocks.0.conv1.norm.bias               (RGBPose)
backbone.rgb_path.layer2_lateral.conv.weight      ->  to_rgb.0.conv.weight
backbone.pose_path.layer1_lateral.bn.bias         ->  to_pose.0.norm.bias
cls_head.fc_rgb.weight                            ->  rgb_head.fc.weight
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from vidcore_resnet.weights import NORM, State, convert_keys, rename_mmaction2
from vidcore_slowfast.weights import slowonly_from_mmaction2

_HEAD = re.compile(r"cls_head\.fc_(rgb|pose)\.(weight|bias)")
_LATERAL = re.compile(rf"backbone\.(rgb|pose)_path\.layer(\d+)_lateral\.(?:(conv)\.(weight)|(bn)\.{NORM})")
_FIRST = {"rgb": 2, "pose": 1}  # the stage, from 1, that the first connection to a pathway follows


def posec3d_from_mmaction2(state: Mapping[str, Tensor]) -> State:
    """Weights for `posec3d` over `slowonly`.

    Raises:
        WeightsError: A key belongs to another architecture.
    """
    return {f"network.{name}": value for name, value in slowonly_from_mmaction2(state).items()}


def rgbpose_from_mmaction2(state: Mapping[str, Tensor]) -> State:
    """Weights for `rgbpose-conv3d`.

    Raises:
        WeightsError: A key belongs to another architecture.
    """
    return convert_keys(state, _rename)


def _rename(key: str) -> str | None:
    for path in ("rgb", "pose"):
        theirs = f"backbone.{path}_path."
        name = rename_mmaction2(key.removeprefix(theirs)) if key.startswith(theirs) else None
        if name:
            return f"{path}.{name}"
    if match := _LATERAL.fullmatch(key):
        path, stage, conv, weight, _, norm = match.groups()
        place = f"to_{path}.{int(stage) - _FIRST[path]}"
        return f"{place}.conv.{weight}" if conv else f"{place}.norm.{norm}"
    match = _HEAD.fullmatch(key)
    return f"{match[1]}_head.fc.{match[2]}" if match else None
