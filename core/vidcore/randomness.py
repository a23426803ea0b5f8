"""Random numbers as a function of what they are for, never of who draws them or when.

A generator is made from a key of fixed length `[seed, purpose, epoch, index, repeat]`. Fixed length matters:
numpy seeds `[1]` and `[1, 0]` to the same stream.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream of random numbers is for. The values are part of what makes runs repeatable: never renumber."""

    ORDER = 0  # order of the samples in an epoch: key (epoch)
    SAMPLE = 1  # choices about one reading of a sample: key (epoch, index, repeat)
    DEVICE = 2  # mixing and drawing on the device: key (step, chunk)
    MODEL = 3  # dropout and drop path: key (step, chunk)
    REPLACE = 4  # which sample stands in for an unreadable one: key (epoch, index, attempt)
    INITIAL = 5  # initial weights
    SOURCES = 6  # which source of several the next sample comes from: key (epoch)


def generator(seed: int, purpose: Purpose, epoch: int = 0, index: int = 0, repeat: int = 0) -> np.random.Generator:
    """The generator for this purpose; the same key gives the same numbers on every machine."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, int(purpose), epoch, index, repeat])))


def torch_seed(seed: int, purpose: Purpose, step: int = 0, chunk: int = 0) -> int:
    """A seed for `torch.manual_seed`, keyed in the same way."""
    return int(generator(seed, purpose, step, chunk).integers(2**63))
