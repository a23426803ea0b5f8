"""What SWEEP.toml may say. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Any

from attrs import field, frozen
from attrs.validators import ge, min_len

from vidcore.config.slots import Slot

SearchSlot = Annotated[Any, Slot("sweep.search")]


@frozen(kw_only=True)
class Grid:
    """Every combination of the values, once; the last parameter changes fastest."""


@frozen(kw_only=True)
class Random:
    """Values drawn independently; the same trials for the same seed, however many there are."""

    trials: int = field(default=10, validator=ge(1))
    seed: int = field(default=0, validator=ge(0))


@frozen(kw_only=True)
class Range:
    """Numbers from `low` to `high`."""

    low: float
    high: float
    log: bool = False  # even on a logarithmic scale: as many between 0.001 and 0.01 as between 0.01 and 0.1
    integer: bool = False  # whole numbers, both ends included

    def __attrs_post_init__(self) -> None:
        if self.low >= self.high:
            raise ValueError(f"'low' must be below 'high', got {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"'low' must be above 0 on a logarithmic scale, got {self.low}")
        if self.integer and (self.low % 1 or self.high % 1):
            raise ValueError(f"'low' and 'high' must be whole numbers, got {self.low} and {self.high}")


@frozen(kw_only=True)
class Sweep:
    """A sweep, but for its parameters."""

    name: str = ""  # of the folder of its runs; left out: the name of the file
    experiment: str = field(validator=min_len(1))  # a recipe, or a path relative to this file
    search: SearchSlot = "grid"
    set: tuple[str, ...] = ()  # KEY=VALUE for every trial, as `--set` of `vidcore run`


Choices = tuple[Any, ...]
Space = dict[str, Choices | Range]  # by dotted key of the experiment
