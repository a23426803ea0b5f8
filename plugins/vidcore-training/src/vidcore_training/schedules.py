"""Schedules beyond the common ones: pure functions of the step, as those of the core."""

from __future__ import annotations

import math

from vidcore.engine.schedules import DecaySchedule, Schedule, steps_of, warmup_factor
from vidcore_training.config import Linear, MultiStep, OneCycle, Poly, Step


class StepSchedule:
    """Warm-up times `gamma` for each period that has passed."""

    def __init__(self, config: Step) -> None:
        self.config = config

    def factor(self, step: int, steps_per_epoch: int, total_epochs: int) -> float:
        period = self.config.every * (steps_per_epoch if self.config.by == "epoch" else 1)
        passed = int(round(step / period, 9))  # 0.3 / 0.1 is 2.9999999999999996
        return warmup_factor(self.config, step, steps_per_epoch) * self.config.gamma**passed


class MultiStepSchedule:
    """Warm-up times `gamma` for each milestone passed; a milestone may lie within an epoch."""

    def __init__(self, config: MultiStep) -> None:
        self.config = config

    def factor(self, step: int, steps_per_epoch: int, total_epochs: int) -> float:
        unit = steps_per_epoch if self.config.by == "epoch" else 1
        passed = sum(step >= steps_of(milestone, unit) for milestone in self.config.milestones)
        return warmup_factor(self.config, step, steps_per_epoch) * self.config.gamma**passed


def linear(config: Linear) -> Schedule:
    """A straight line down."""
    return DecaySchedule(config, lambda t: 1.0 - t)


def poly(config: Poly) -> Schedule:
    """A power of what is left."""
    return DecaySchedule(config, lambda t: (1.0 - t) ** config.power)


class OneCycleSchedule:
    """Up and down once; the peak lies where `torch.optim.lr_scheduler.OneCycleLR` has it."""

    def __init__(self, config: OneCycle) -> None:
        self.config = config

    def factor(self, step: int, steps_per_epoch: int, total_epochs: int) -> float:
        unit = steps_per_epoch if self.config.by == "epoch" else 1
        count, last = step // unit, steps_per_epoch * total_epochs // unit - 1
        peak = self.config.rise * (last + 1) - 1.0
        if count <= peak:
            return self._between(self.config.start, 1.0, count / peak if peak else 1.0)  # the first may be the peak
        return self._between(1.0, self.config.final, min((count - peak) / (last - peak), 1.0) if last > peak else 1.0)

    def _between(self, start: float, end: float, t: float) -> float:
        if self.config.shape == "linear":
            return start + (end - start) * t
        return end + (start - end) / 2.0 * (1.0 + math.cos(math.pi * t))
