"""Which samples each batch holds: a function of the seed and of the number of the step, without any state.

`TrainingPlan` gives one endless sequence of optimizer steps; a run that goes on at step k starts its plan there and has
nothing to skip. References carry their epoch, so workers need not know it (a persistent worker would not notice a
change).
A chunk is one micro-batch. A step has `accumulate` chunks on each of `world` processes; process r takes the chunks r,
r + world, ... of a step, so one process that accumulates two sees the chunks of two that accumulate none.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from attrs import field, frozen
from attrs.validators import ge, optional
from numpy.typing import NDArray

from vidcore.randomness import Purpose, generator
from vidcore.values import SampleRef


@frozen(kw_only=True)
class TrainingPlan:
    """Batches of references for training, in steps from `start_step` on."""

    num_samples: int = field(validator=ge(1))  # of an epoch
    batch_size: int = field(validator=ge(1))  # of a chunk
    seed: int = 0
    start_step: int = field(default=0, validator=ge(0))
    stop_step: int | None = field(default=None, validator=optional(ge(0)))  # None: without end
    choose: Callable[[int, int], NDArray[np.int64]] | None = None  # the order of an epoch, given seed and epoch
    drop_last: bool = True  # an epoch ends with its last full step; else with one of what is left
    accumulate: int = field(default=1, validator=ge(1))  # chunks of a step on each process
    rank: int = field(default=0, validator=ge(0))
    world: int = field(default=1, validator=ge(1))

    @property
    def samples_per_step(self) -> int:
        """Samples of a full step, all processes together."""
        return self.batch_size * self.accumulate * self.world

    @property
    def steps_per_epoch(self) -> int:
        """Steps of an epoch; at least one, which is short where there are fewer samples than a step takes."""
        full, rest = divmod(self.num_samples, self.samples_per_step)
        return max(full, 1) if self.drop_last else full + bool(rest)

    def __iter__(self) -> Iterator[list[SampleRef]]:
        steps = itertools.count(self.start_step) if self.stop_step is None else range(self.start_step, self.stop_step)
        order, order_epoch = self.order(0), 0
        for step in steps:
            epoch, number = divmod(step, self.steps_per_epoch)
            if epoch != order_epoch:
                order, order_epoch = self.order(epoch), epoch
            chunks = self._chunks(order, number)
            for chunk in chunks[self.rank :: self.world]:
                yield [SampleRef("", epoch, index) for index in chunk.tolist()]

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Indices of the samples in the order of this epoch."""
        if self.choose is not None:
            return self.choose(self.seed, epoch)
        return generator(self.seed, Purpose.ORDER, epoch).permutation(self.num_samples)

    def _chunks(self, order: NDArray[np.int64], number: int) -> list[NDArray[np.int64]]:
        """The chunks of a step. What is left for a short one is shared out evenly, at least one sample a chunk."""
        count = self.accumulate * self.world
        taken = order[number * self.samples_per_step : (number + 1) * self.samples_per_step]
        if len(taken) < count:  # no process may be without a chunk: the epoch's first samples come once more
            taken = np.concatenate([taken, np.resize(order, count - len(taken))])
        return np.array_split(taken, count)


@frozen(kw_only=True)
class EvaluationPlan:
    """Every sample once, in order; the last batch may be short. Process r takes the batches r, r + world, ..."""

    num_samples: int = field(validator=ge(0))
    batch_size: int = field(validator=ge(1))
    rank: int = field(default=0, validator=ge(0))
    world: int = field(default=1, validator=ge(1))

    def __iter__(self) -> Iterator[list[SampleRef]]:
        for start in range(self.rank * self.batch_size, self.num_samples, self.world * self.batch_size):
            indices = range(start, min(start + self.batch_size, self.num_samples))
            yield [SampleRef("", 0, index) for index in indices]


Plan = TrainingPlan | EvaluationPlan
