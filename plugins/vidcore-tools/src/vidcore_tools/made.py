"""Made samples, of the shapes that an experiment's real ones would have: noise, for a dry run without the data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from vidcore.config.base import Shape
from vidcore.interfaces import Finding
from vidcore.values import Sample, SampleRef

_PIXELS = "video"  # the input that holds pixels as they are decoded, uint8; others are numbers, prepared by a data set
_UNKNOWN_SIZE = 224  # of pixels, where it depends on the video


class MakesTargets(Protocol):
    """A task that can make a target of its own form."""

    def made_target(self, index: int) -> dict[str, Any]: ...


class MadeSamples:
    """A data set of noise.

    Args:
        inputs: Shape of one view by input.
        examples: Shapes that the model takes: where a size of numbers is not known, the one here. Of pixels it is 224.
        views: Of each sample.
        task: Makes the targets.
        classes: Names.
        length: How many samples it says to have.
        inputs_of: Which inputs the sample of a number has; None: all of them.
    """

    def __init__(
        self,
        inputs: dict[str, Shape],
        examples: Mapping[str, Sequence[int]],
        views: int,
        task: MakesTargets,
        classes: Sequence[str],
        length: int,
        inputs_of: Callable[[int], Collection[str]] | None = None,
    ) -> None:
        self.classes = tuple(classes)
        self._shapes = {name: _known(name, shape, examples.get(name, ())) for name, shape in inputs.items()}
        self._views, self._task, self._length, self._inputs_of = views, task, length, inputs_of

    def __len__(self) -> int:
        return self._length

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        """Noise drawn from `rng`."""
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        names = self._shapes if self._inputs_of is None else self._inputs_of(ref.index)
        inputs = {
            name: torch.randint(0, 256, (self._views, *shape), generator=generator, dtype=torch.uint8)
            if name == _PIXELS
            else torch.randn(self._views, *shape, generator=generator)
            for name, shape in self._shapes.items()
            if name in names
        }
        return [Sample(ref=ref, inputs=inputs, target=self._task.made_target(ref.index), meta={"path": "made"})]

    def check(self, deep: bool = False) -> Iterator[Finding]:
        """Nothing on disk to check."""
        yield from ()


def _known(name: str, shape: Shape, example: Sequence[int]) -> tuple[int, ...]:
    if name == _PIXELS or len(example) != len(shape):
        return tuple(size or _UNKNOWN_SIZE for size in shape)
    return tuple(size or usual for size, usual in zip(shape, example, strict=True))
