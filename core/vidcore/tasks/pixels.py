"""Pixels to numbers that a network likes."""

from __future__ import annotations

from collections.abc import Sequence

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
