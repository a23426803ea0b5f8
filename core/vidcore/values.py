"""The values that travel: from a data set to a batch, through a model, to predictions.

Letters: N samples, V views of one sample, C channels, T frames, H W pixels, K classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from attrs import evolve, field, frozen
from torch import Tensor


@frozen
class SampleRef:
    """Names one reading of one sample. All randomness of that reading follows from it and the run's seed."""

    source: str  # which data source of the split; "" when there is one
    epoch: int
    index: int  # position in the source
    repeat: int = 0

    @property
    def key(self) -> str:
        """The sample itself, whatever the epoch: what predictions are merged by."""
        return f"{self.source}:{self.index}" if self.source else str(self.index)


@frozen(kw_only=True, eq=False)
class Sample:
    """One sample as a data set gives it, before batching.

    `inputs["video"]` is uint8 `[V, C, T, H, W]`: V is 1 in training, and clips x crops in testing.
    """

    ref: SampleRef
    inputs: dict[str, Any]
    target: dict[str, Any]  # belongs to the task; recognition: {"label": int} or {"labels": float [K]}
    meta: dict[str, Any] = field(factory=dict)  # plain values for people: path, sizes, what replaced a bad file
    draws: dict[str, Tensor] = field(factory=dict)  # random choices made for this sample, applied on the device


@frozen(kw_only=True, eq=False)
class Batch:
    """Samples of one step, collated by the task.

    `inputs["video"]` is `[sum of views, C, T, H, W]`; sample i owns `views[i]` consecutive rows.
    """

    refs: list[SampleRef]
    inputs: dict[str, Any]
    target: dict[str, Any]
    meta: list[dict[str, Any]]
    views: list[int]
    draws: dict[str, Tensor] = field(factory=dict)

    def __len__(self) -> int:
        return len(self.refs)

    def to(self, device: torch.device) -> Batch:
        """The same batch with every tensor on `device`, copied without blocking where memory is pinned."""
        return self._with_each(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> Batch:
        """Called by torch's DataLoader in its pinning thread."""
        return self._with_each(Tensor.pin_memory)

    def _with_each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        return evolve(self, **{name: _map(getattr(self, name), change) for name in ("inputs", "target", "draws")})


@frozen(kw_only=True, eq=False)
class Prediction:
    """What a task says of one sample, views merged. The same form in memory and in `predictions/`."""

    ref: SampleRef
    outputs: dict[str, Any]  # by the task; recognition: {"scores": float32 [K]} summing to one where softmax applies
    meta: dict[str, Any] = field(factory=dict)


def _map(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, dict):
        return {key: _map(entry, change) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_map(entry, change) for entry in value)
    return value
