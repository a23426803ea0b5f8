"""Learning-rate schedules: pure functions of the step, with nothing to save and nothing to restore.

A schedule answers the factor by which every group's learning rate is multiplied. Warm-up and curve are multiplied, each
counts in steps or in epochs, and both may run at the same time. Steps and epochs are counted from 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

from vidcore.engine.config import Constant, Cosine, Decay, Warmup


class Schedule(Protocol):
    """What a component of kind `schedule` is."""

    def factor(self, step: int, steps_per_epoch: int, total_epochs: int) -> float:
        """The factor for the optimizer step number `step`, at least 0."""


def warmup_factor(warmup: Warmup, step: int, steps_per_epoch: int) -> float:
    """From `warmup_start` at count 0 to 1 at the last count of the warm-up, and 1 from there on."""
    by_epoch = warmup.warmup_by == "epoch"
    count = step // steps_per_epoch if by_epoch else step
    last = (warmup.warmup_epochs if by_epoch else steps_of(warmup.warmup_epochs, steps_per_epoch)) - 1
    if last < 0 or 0 < count >= last:
        return 1.0
    return warmup.warmup_start + (1.0 - warmup.warmup_start) * (count / last if last else 0.0)


def decay_factor(
    decay: Decay, curve: Callable[[float], float], warmup_epochs: float, step: int, steps_per_epoch: int, epochs: int
) -> float:
    """`curve` goes from 1 at 0 to 0 at 1; it is stretched over the decay's span and down to its `final`."""
    begin = warmup_epochs if decay.begin is None else decay.begin
    length = epochs - begin if decay.length is None else decay.length
    if decay.by == "epoch":
        count, total = step // steps_per_epoch - math.ceil(begin), length
    else:
        count, total = step - steps_of(begin, steps_per_epoch), length * steps_per_epoch
    if count <= 0:
        return 1.0
    return decay.final + (1.0 - decay.final) * curve(min(count / total, 1.0) if total > 0 else 1.0)


def steps_of(epochs: float, steps_per_epoch: int) -> int:
    """How many steps so many epochs are."""
    return int(round(epochs * steps_per_epoch, 6))  # 0.29 x 100 is 28.999999999999996


class ConstantSchedule:
    """Warm-up, then 1."""

    def __init__(self, config: Constant) -> None:
        self.config = config

    def factor(self, step: int, steps_per_epoch: int, total_epochs: int) -> float:
        return warmup_factor(self.config, step, steps_per_epoch)


class DecaySchedule:
    """Warm-up times a falling curve from 1 at 0 to 0 at 1."""

    def __init__(self, config: Any, curve: Callable[[float], float]) -> None:
        self.config, self.curve = config, curve

    def factor(self, step: int, steps_per_epoch: int, total_epochs: int) -> float:
        config = self.config
        fallen = decay_factor(config, self.curve, config.warmup_epochs, step, steps_per_epoch, total_epochs)
        return warmup_factor(config, step, steps_per_epoch) * fallen


def cosine(config: Cosine) -> Schedule:
    """Loshchilov and Hutter, arXiv:1608.03983, without restarts."""
    return DecaySchedule(config, lambda t: (1.0 + math.cos(math.pi * t)) / 2.0)
