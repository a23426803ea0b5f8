"""Published ResNet weights under vidcore's names, and image weights turned into video weights. Pure dict -> dict.

Three spellings of one network are in the wild:

    vidcore      stem.conv.conv.weight   stages.0.blocks.1.conv2.norm.bias   stages.0.blocks.0.downsample.conv.weight
    torchvision  conv1.weight            layer1.1.bn2.bias                   layer1.0.downsample.0.weight
    mmaction2    conv1.conv.weight       layer1.1.conv2.bn.bias              layer1.0.downsample.conv.weight

A converter maps every key or raises: a key that is skipped in silence is a layer with random weights.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from vidcore.errors import WeightsError

State = dict[str, Tensor]
NORM = r"(weight|bias|running_mean|running_var|num_batches_tracked)"

MMACTION2_RULES = (
    (r"conv1\.conv\.weight", r"stem.conv.conv.weight"),
    (rf"conv1\.bn\.{NORM}", r"stem.conv.norm.\1"),
    (r"layer(\d+)\.(\d+)\.(conv\d|downsample)\.conv\.weight", r"stages.{}.blocks.\2.\3.conv.weight"),
    (rf"layer(\d+)\.(\d+)\.(conv\d|downsample)\.bn\.{NORM}", r"stages.{}.blocks.\2.\3.norm.\4"),
    (
        r"layer(\d+)\.(\d+)\.non_local_block\.(g|phi|theta)(?:\.0)?\.conv\.(weight|bias)",
        r"stages.{}.non_local.\2.\3.\4",
    ),
    (r"layer(\d+)\.(\d+)\.non_local_block\.conv_out\.conv\.weight", r"stages.{}.non_local.\2.out.weight"),
    (rf"layer(\d+)\.(\d+)\.non_local_block\.conv_out\.bn\.{NORM}", r"stages.{}.non_local.\2.norm.\3"),
    (r"layer(\d+)\.(\d+)\.non_local_block\.concat_project\.conv\.weight", r"stages.{}.non_local.\2.project.weight"),
)
TORCHVISION_RULES = (
    (r"conv1\.weight", r"stem.conv.conv.weight"),
    (rf"bn1\.{NORM}", r"stem.conv.norm.\1"),
    (r"layer(\d+)\.(\d+)\.(conv\d)\.weight", r"stages.{}.blocks.\2.\3.conv.weight"),
    (rf"layer(\d+)\.(\d+)\.bn(\d)\.{NORM}", r"stages.{}.blocks.\2.conv\3.norm.\4"),
    (r"layer(\d+)\.(\d+)\.downsample\.0\.weight", r"stages.{}.blocks.\2.downsample.conv.weight"),
    (rf"layer(\d+)\.(\d+)\.downsample\.1\.{NORM}", r"stages.{}.blocks.\2.downsample.norm.\3"),
)


def _rename(key: str, rules: tuple[tuple[str, str], ...]) -> str | None:
    for pattern, template in rules:
        match = re.fullmatch(pattern, key)
        if match:
            stage = str(int(match[1]) - 1) if "{}" in template else ""  # layer1 is stage 0
            return match.expand(template.replace("{}", stage))
    return None


def rename_mmaction2(key: str) -> str | None:
    """MMAction2's name inside a 3D ResNet backbone -> ours; None when it is no part of one."""
    return _rename(key, MMACTION2_RULES)


def rename_torchvision(key: str) -> str | None:
    """Torchvision's name inside a ResNet, without the classifier -> ours; None when it is no part of one."""
    return _rename(key, TORCHVISION_RULES)


def convert_keys(state: Mapping[str, Tensor], rename: Callable[[str], str | None]) -> State:
    """`state` under the names that `rename` gives.

    Raises:
        WeightsError: `rename` does not know a key, or maps two keys to one. Every such key is named.
    """
    renamed: State = {}
    unknown, taken = [], []
    for key, value in state.items():
        name = rename(key)
        if name is None:
            unknown.append(key)
        elif name in renamed:
            taken.append(f"{key} -> {name}")
        else:
            renamed[name] = value.flatten(1) if name.endswith(".project.weight") else value
    if unknown or taken:
        what = (
            f"{len(unknown)} unknown keys ({', '.join(unknown[:5])})" if unknown else f"keys that collide: {taken[:5]}"
        )
        raise WeightsError(f"these weights are of another architecture than the converter's: {what}")
    return renamed


def from_torchvision(state: Mapping[str, Tensor]) -> State:
    """An image ResNet of torchvision, as the weights of `resnet-2d` (prefix `trunk.`, classifier as `head.fc.`)."""

    def rename(key: str) -> str | None:
        if key in ("fc.weight", "fc.bias"):
            return f"head.{key}"
        name = rename_torchvision(key)
        return name and f"trunk.{name}"

    return convert_keys(state, rename)


def inflate(weight: Tensor, frames: int, in_channels: int | None = None) -> Tensor:
    """A 2D kernel `[O, I, h, w]` as a 3D one `[O, in_channels, frames, h, w]` that answers the same to a still video.

    The kernel is repeated over time and divided by `frames` (Carreira and Zisserman, CVPR 2017, arXiv:1705.07750,
    section 2.4). Input channels beyond I (lateral connections) start at zero.

    Raises:
        WeightsError: `in_channels` is smaller than I.
    """
    missing = (in_channels or weight.shape[1]) - weight.shape[1]
    if missing < 0:
        raise WeightsError(f"a kernel for {weight.shape[1]} input channels does not fit a layer that has {in_channels}")
    if missing:
        padding = weight.new_zeros(weight.shape[0], missing, *weight.shape[2:])
        weight = torch.cat([weight, padding], dim=1)
    return weight.unsqueeze(2).expand(-1, -1, frames, -1, -1) / frames


def inflate_resnet(images: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]], *, prefix: str = "") -> State:
    """Weights of an image ResNet (torchvision's names) for a video network that has tensors of `shapes`.

    Args:
        images: Torchvision's state dict; its classifier `fc.*` is left out, since it belongs to other classes.
        shapes: Name -> shape of every tensor of the video network.
        prefix: Where the ResNet sits in the video network, as "slow."; "" when it is the whole.

    Raises:
        WeightsError: A key is unknown, or a layer of the image network has no place in the video network.
    """
    body = {key: value for key, value in images.items() if not key.startswith("fc.")}
    inflated: State = {}
    for key, value in convert_keys(body, rename_torchvision).items():
        name = prefix + key
        if name not in shapes:
            raise WeightsError(
                f"the image network has {name}, the video network has not: are depth and stages the same?"
            )
        shape = shapes[name]
        inflated[name] = inflate(value, shape[2], shape[1]) if value.ndim == 4 and len(shape) == 5 else value
        if tuple(inflated[name].shape) != tuple(shape):
            raise WeightsError(
                f"{name} is {tuple(inflated[name].shape)} inflated, the video network has {tuple(shape)}"
            )
    return inflated
