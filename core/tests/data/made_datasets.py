"""Data sets and a task that test the loader. A module of its own, for workers must be able to import it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from vidcore.interfaces import Finding
from vidcore.values import Batch, Sample, SampleRef


class Collating:
    """As much of a task as the loader uses."""

    def collate(self, samples: Sequence[Sample]) -> Batch:
        names = samples[0].draws
        return Batch(
            refs=[sample.ref for sample in samples],
            inputs={"video": torch.cat([sample.inputs["video"] for sample in samples])},
            target={"label": torch.tensor([sample.target["label"] for sample in samples])},
            meta=[sample.meta for sample in samples],
            views=[len(sample.inputs["video"]) for sample in samples],
            draws={name: torch.stack([sample.draws[name] for sample in samples]) for name in names},
        )


class GlobalDraws:
    """Draws from torch's global generator, as some libraries do."""

    classes = ("a", "b")

    def __len__(self) -> int:
        return 6

    def where(self, index: int) -> str:
        return f"clips/{index}.mp4"

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        inputs = {"video": torch.randint(0, 256, (1, 3, 1, 2, 2), dtype=torch.uint8)}
        return [Sample(ref=ref, inputs=inputs, target={"label": 0})]

    def check(self, deep: bool = False) -> Iterator[Finding]:
        yield from ()


class Deadly(GlobalDraws):
    """Kills the process that reads sample 3."""

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        if ref.index == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().sample(ref, rng)


class Mistaken(GlobalDraws):
    """Raises something that is no fault of the data."""

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        raise RuntimeError("a mistake in a transform")
