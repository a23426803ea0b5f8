"""MMAction2's published BMN weights under our names. Pure dict -> dict.

x_1d_b.0.weight  ->  base.0.weight              x_3d_p.0.weight [O, C, S, 1, 1]  ->  match.weight [O, C, S]
x_1d_s.2.bias    ->  start.2.bias               x_2d_p.6.bias                    ->  map.6.bias
sample_mask and bm_mask are constants that the network computes; they are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from vidcore.errors import WeightsError

_PARTS = {"x_1d_b": "base", "x_1d_s": "start", "x_1d_e": "end", "x_1d_p": "project", "x_2d_p": "map"}
_CONSTANTS = ("sample_mask", "bm_mask")
_KEY = re.compile(r"(x_[123]d_[besp])\.(\d+)\.(weight|bias)")


def from_mmaction2(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights for `bmn`.

    Raises:
        WeightsError: A key belongs to another architecture.
    """
    converted: dict[str, Tensor] = {}
    for key, tensor in state.items():
        match = _KEY.fullmatch(key)
        if key in _CONSTANTS:
            continue
        if match is None:
            raise WeightsError(f"key {key!r} is not of a Boundary-Matching Network of MMAction2")
        part, index, name = match.groups()
        if part == "x_3d_p":
            converted[f"match.{name}"] = tensor.flatten(2) if name == "weight" else tensor
        else:
            converted[f"{_PARTS[part]}.{index}.{name}"] = tensor
    return converted
