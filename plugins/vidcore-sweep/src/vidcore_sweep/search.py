"""Which values the next trial has: a search is asked for trial 0, 1, 2, ... and told what became of those before.

A search is a component of kind `sweep.search`; its factory is called with its config and the space. It may also have
`stop_early(trial, curve, done) -> bool`, asked at each evaluation of a trial that is going.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from typing import Any, Protocol

from attrs import field, frozen

from vidcore.errors import ConfigError
from vidcore_sweep.config import Grid, Random, Range, Space

Values = dict[str, Any]  # by dotted key
Curve = dict[int, float]  # step to the figure that is swept for


@frozen(kw_only=True)
class Outcome:
    """A trial that is over."""

    values: Values
    state: str  # "finished", "stopped early" or "failed"
    best: float | None  # of the figure; None where it was never measured
    lower: bool = False  # whether less of it is better
    curve: Curve = field(factory=dict)


class Search(Protocol):
    """Chooses values."""

    def values(self, number: int, done: Sequence[Outcome]) -> Values | None:
        """The values of a trial, counted from 0; None: there are no more.

        Args:
            number: Of the trial. `done` has one outcome for each trial before it.
            done: What became of the trials before.
        """


class GridSearch:
    """Every combination.

    Raises:
        ConfigError: A parameter is a range, which has no end of values.
    """

    def __init__(self, config: Grid, space: Space) -> None:
        for key, values in space.items():
            if isinstance(values, Range):
                raise ConfigError(
                    f'{key}: a grid needs a list of values; ranges are for search = "random" and the like'
                )
        columns = [values for values in space.values() if not isinstance(values, Range)]
        self._trials = [dict(zip(space, row, strict=True)) for row in itertools.product(*columns)]

    def values(self, number: int, done: Sequence[Outcome]) -> Values | None:
        """The combination of that number."""
        return self._trials[number] if number < len(self._trials) else None


class RandomSearch:
    """Independent draws; a draw depends on the seed, the trial's number and the key alone."""

    def __init__(self, config: Random, space: Space) -> None:
        self.config, self._space = config, space

    def values(self, number: int, done: Sequence[Outcome]) -> Values | None:
        """Draws of that number."""
        if number >= self.config.trials:
            return None
        return {
            key: _draw(values, random.Random(f"{self.config.seed} {number} {key}"))
            for key, values in self._space.items()
        }


def _draw(values: Any, rng: random.Random) -> Any:
    if not isinstance(values, Range):
        return rng.choice(values)
    if values.integer and not values.log:
        return rng.randint(round(values.low), round(values.high))
    if values.log:
        drawn = math.exp(rng.uniform(math.log(values.low), math.log(values.high)))
    else:
        drawn = rng.uniform(values.low, values.high)
    if values.integer:
        return round(drawn)
    return min(max(float(f"{drawn:.4g}"), values.low), values.high)  # four digits that a person can read
