"""Weights and inputs that a public rule makes from state-dict keys and seeds, so that nobody has to store them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

# what multiplies a weight of two or more dimensions after it was divided by the root of its fan-in
FACTORS = ((".pos_embed.", 0.2), (".non_local_block.", 0.4), (".branch_", 0.75))


def normal(shape: Sequence[int], seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Standard normal numbers of the rule's generator."""
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(tuple(shape))


def is_kept(entry: Sequence[Any], kept: Sequence[str]) -> bool:
    """True for entries of `state_dict` that stay as the model makes them: counters, index tables, fixed graphs."""
    key, _, dtype, _ = entry
    return key in kept or not dtype.startswith("float")


def rule_weight(key: str, shape: Sequence[int], salt: str = "") -> Tensor:
    """The float32 tensor that the rule gives to a state-dict key of the reference."""
    x = normal(shape, zlib.crc32((salt + key).encode()))
    last = key.rpartition(".")[2]
    if last == "running_var":
        x = 1 + 0.1 * np.abs(x)
    elif last == "PA" or (last.endswith("weight") and x.ndim == 1):
        x = 1 + 0.1 * x
    elif last.endswith("weight"):
        x = x / np.sqrt(x.size / shape[0])
        for part, factor in FACTORS:
            x = x * factor if part in key else x
    else:
        x = 0.1 * x
    return torch.from_numpy(np.asarray(x.astype(np.float32)))


def rule_weights(spec: dict[str, Any]) -> dict[str, Tensor]:
    """The reference's key -> tensor, for every entry of `spec["state_dict"]` that the rule makes."""
    return {
        entry[0]: rule_weight(entry[0], entry[1], spec["weight_salt"])
        for entry in spec["state_dict"]
        if not is_kept(entry, spec["kept"])
    }


def kept_weights(spec: dict[str, Any], fill: int) -> dict[str, Tensor]:
    """The other entries, all set to `fill`."""
    return {
        key: torch.full(tuple(shape), fill, dtype=getattr(torch, dtype))
        for key, shape, dtype, kind in spec["state_dict"]
        if is_kept((key, shape, dtype, kind), spec["kept"])
    }


def rule_input(spec: dict[str, Any]) -> Tensor:
    """What enters the network, after normalisation: float32 of `spec["input"]["shape"]`."""
    given = spec["input"]
    return torch.from_numpy(normal(given["shape"], given["seed"]).astype(np.float32))
