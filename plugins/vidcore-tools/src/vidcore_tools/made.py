"""Made samples, of the shapes that an experiment's real ones would have: noise, for a dry run without the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from vidcore.config.base import Shape
from vidcore.interfaces import Finding
from vidcore.values import Sample, SampleRef

_UNKNOWN_SIZE = 224  # pixels, where it depends on the video
_PIXEL_DIMS = 4  # [C, T, H, W]: pixels as they are decoded; fewer are numbers that a data set has prepared


class MakesTargets(Protocol):
    """A task that can make a target of its own form."""

    def made_target(self, index: int) -> dict[str, Any]: ...


class MadeSamples:
    """A data set of noise.

    Args:
        inputs: Shape of one view by input; an unknown size becomes 224.
        views: Of each sample.
        task: Makes the targets.
        classes: Names.
        length: How many samples it says to have.
    """

    def __init__(
        self, inputs: dict[str, Shape], views: int, task: MakesTargets, classes: Sequence[str], length: int
    ) -> None:
        self.classes = tuple(classes)
        self._shapes = {name: tuple(size or _UNKNOWN_SIZE for size in shape) for name, shape in inputs.items()}
        self._views, self._task, self._length = views, task, length

    def __len__(self) -> int:
        return self._length

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        """Noise drawn from `rng`."""
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        inputs = {
            name: torch.randint(0, 256, (self._views, *shape), generator=generator, dtype=torch.uint8)
            if len(shape) >= _PIXEL_DIMS
            else torch.randn(self._views, *shape, generator=generator)
            for name, shape in self._shapes.items()
        }
        return [Sample(ref=ref, inputs=inputs, target=self._task.made_target(ref.index), meta={"path": "made"})]

    def check(self, deep: bool = False) -> Iterator[Finding]:
        """Nothing on disk to check."""
        yield from ()
