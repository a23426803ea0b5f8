"""Options of the search. Imports no optuna."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import ge


@frozen(kw_only=True)
class Optuna:
    """Values chosen by what came of those before; hopeless trials are stopped early."""

    trials: int = field(default=20, validator=ge(1))
    seed: int = field(default=0, validator=ge(0))
    sampler: Literal["tpe", "gp", "random"] = "tpe"  # "gp" wants scipy and few parameters
    startup: int = field(default=5, validator=ge(1))  # trials with random values, before any is stopped or learnt from
    prune: Literal["none", "median", "halving"] = "median"  # which trials are stopped early: "median", those below it
    warmup_evaluations: int = field(default=1, validator=ge(0))  # of a trial, before it may be stopped
