"""Options of schedule-free optimizers. Imports no torch."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import and_, ge, gt, lt

from vidcore.engine.config import OptimizerConfig

_SHARE = and_(gt(0.0), lt(1.0))


@frozen(kw_only=True)
class ScheduleFree(OptimizerConfig):
    """What both have: how the mean of the weights is taken."""

    r: float = 0.0  # step k counts as k ** r
    weight_lr_power: float = field(default=2.0, validator=ge(0.0))  # in the warm-up a step counts as its rate ** this


@frozen(kw_only=True)
class ScheduleFreeSGD(ScheduleFree):
    """SGD without a schedule, as `schedulefree.SGDScheduleFree`."""

    lr: float = field(default=1.0, validator=gt(0.0))
    momentum: float = field(default=0.9, validator=_SHARE)  # how far the trained weights are from the mean


@frozen(kw_only=True)
class ScheduleFreeAdamW(ScheduleFree):
    """AdamW without a schedule, as `schedulefree.AdamWScheduleFree`."""

    lr: float = field(default=0.0025, validator=gt(0.0))
    beta1: float = field(default=0.9, validator=_SHARE)  # how far the trained weights are from the mean
    beta2: float = field(default=0.999, validator=_SHARE)  # decay of the mean of squared gradients
    eps: float = field(default=1e-8, validator=gt(0.0))
