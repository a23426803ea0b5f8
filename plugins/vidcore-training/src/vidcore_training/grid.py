"""The shapes of multigrid training: which batch each step has. Pure functions of the step.

Wu et al., arXiv:1912.00998. Letters: B clips of a batch and T frames of the full shape.
"""

from __future__ import annotations

import itertools
import math

from attrs import frozen

_HALF_AREA = 1 / math.sqrt(2)
# factors of time and of a side; the batch grows by what they shrink: 8, 4, 2 and 1 times
LONG_CYCLE = ((1 / 4, _HALF_AREA), (1 / 2, _HALF_AREA), (1 / 2, 1.0), (1.0, 1.0))
SHORT_CYCLE = (1 / 2, _HALF_AREA, 1.0)  # of the full side, where the long cycle's is not smaller


@frozen
class Shape:
    """Clips of one step."""

    batch: int  # clips of a chunk
    frames: int
    side: float  # factor of height and width


@frozen(kw_only=True)
class Grid:
    """The plan of a run."""

    batch: int  # B
    frames: int  # T
    ends: tuple[int, ...]  # steps at which a long cycle ends; afterwards the full shape
    long_cycle: bool = True
    short_cycle: bool = True

    def stretch(self, step: int) -> int:
        """Which of the four shapes of the long cycle a step has: each for as many steps, again in every cycle."""
        if self.long_cycle:
            for begin, end in itertools.pairwise((0, *self.ends)):
                if step < end:
                    return (step - begin) * len(LONG_CYCLE) // (end - begin)
        return len(LONG_CYCLE) - 1

    def rate(self, step: int) -> int:
        """How many times higher the learning rate is: as many as the long cycle's batch. The short one changes none."""
        time, side = LONG_CYCLE[self.stretch(step)]
        return round(self.frames / self._frames(time) / side**2)  # a whole number, as in the authors' release

    def shape(self, step: int) -> Shape:
        """Of the clips of a step."""
        time, long = LONG_CYCLE[self.stretch(step)]
        side = min(long, SHORT_CYCLE[step % len(SHORT_CYCLE)]) if self.short_cycle else long
        return Shape(self.batch * self.rate(step) * round((long / side) ** 2), self._frames(time), side)

    def _frames(self, time: float) -> int:
        return max(round(self.frames * time), 1)

    def shapes(self) -> list[tuple[int, float]]:
        """Frames and side of every shape that can come, each once."""
        sides = SHORT_CYCLE if self.short_cycle else (1.0,)
        cycle = LONG_CYCLE if self.long_cycle else LONG_CYCLE[-1:]
        found = [(self._frames(time), min(side, short)) for time, side in cycle for short in sides]
        return list(dict.fromkeys(found))

    def clips_before(self, step: int) -> int:
        """Of one chunk, in all steps before this one."""
        return sum(self.shape(earlier).batch for earlier in range(step))
