"""Pixels to numbers that a network likes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from vidcore.errors import ConfigError


class Normalize:
    """`(pixel - mean) / std` for each channel, in float32. The memory layout of the input is kept.

    Args:
        mean: One value a channel, 0 ... 255.
        std: One value a channel, 0 ... 255.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        self._mean, self._std = torch.tensor(mean), torch.tensor(std)

    def __call__(self, pixels: Tensor, name: str = "video") -> Tensor:
        """Float32 of the same shape, `[N, C, ...]`.

        Raises:
            ConfigError: The pixels have another number of channels than the mean.
        """
        if pixels.shape[1] != len(self._mean):
            raise ConfigError(
                f"task.mean and task.std have {len(self._mean)} values, but input {name!r} has {pixels.shape[1]} "
                "channels; give one value a channel"
            )
        self._mean, self._std = self._mean.to(pixels.device), self._std.to(pixels.device)
        shape = (1, -1, *(1,) * (pixels.ndim - 2))
        return pixels.to(torch.float32, copy=True).sub_(self._mean.view(shape)).div_(self._std.view(shape))

    def inputs(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs of a batch, those of uint8 normalised; others are no pixels and stay as they are."""
        return {
            name: self(value, name) if isinstance(value, Tensor) and value.dtype == torch.uint8 else value
            for name, value in inputs.items()
        }
