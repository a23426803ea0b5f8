"""Options of the schedules of this plugin. Imports no torch."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, ge, gt, le, lt

from vidcore.engine.config import Decay, Warmup


@frozen(kw_only=True)
class Linear(Warmup, Decay):
    """A straight line from 1 to `final`."""


@frozen(kw_only=True)
class Poly(Warmup, Decay):
    """`(1 - t) ** power` from 1 to `final`."""

    power: float = field(default=0.9, validator=gt(0.0))


@frozen(kw_only=True)
class OneCycle:
    """Up from `start` to 1 and down to `final`, once, step by step: Smith and Topin, arXiv:1708.07120."""

    rise: float = field(default=0.3, validator=and_(gt(0.0), lt(1.0)))  # share of the steps on the way up
    start: float = field(default=0.04, validator=and_(gt(0.0), le(1.0)))  # factor in the first step
    final: float = field(default=4e-6, validator=and_(ge(0.0), le(1.0)))  # factor in the last step
    shape: Literal["cosine", "linear"] = "cosine"
