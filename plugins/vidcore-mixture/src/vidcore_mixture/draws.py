"""Which samples of a source an epoch has: a function of seed and epoch alone, without any state.

A source is an endless sequence of draws. An epoch takes the next few of them, wherever a run starts or goes on, so over
epochs every sample is drawn as often as any other (or every class), whatever part of the source an epoch has room for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Key = Callable[[int], np.random.Generator]  # the generator of a block of draws

_BLOCK = 1024  # draws that share a generator, at least: making one costs as much as a few hundred draws


def shuffled_passes(key: Key, length: int, first: int, count: int) -> Indices:
    """Draws `first` ... `first + count - 1` of an endless sequence of passes over `length` things, each shuffled."""
    passes = max(_BLOCK // length, 1)
    size = passes * length
    blocks = range(first // size, -(-(first + count) // size))
    one = np.tile(np.arange(length), (passes, 1))
    drawn = [key(block).permuted(one, axis=1).ravel() for block in blocks]
    return np.concatenate([*drawn, np.zeros(0, np.int64)])[first % size :][:count]


def balanced_passes(
    key: Callable[[int, int], np.random.Generator], groups: Sequence[Indices], first: int, count: int
) -> Indices:
    """The same over groups of samples: each pass has one sample of every group, in shuffled order.

    The samples of a group take turns, shuffled anew each time. `key` is given a block and 0, or 1 + the group.
    """
    chosen = shuffled_passes(lambda block: key(block, 0), len(groups), first, count)
    turns = (first + np.arange(count)) // len(groups)  # the group's draws are numbered: one a pass
    by_group = np.split(np.argsort(chosen, kind="stable"), np.cumsum(np.bincount(chosen, minlength=len(groups)))[:-1])
    samples = np.empty(count, np.int64)
    for number, (group, places) in enumerate(zip(groups, by_group, strict=True)):
        if len(places):
            turn = int(turns[places[0]])
            members = shuffled_passes(lambda block, n=number: key(block, 1 + n), len(group), turn, len(places))  # type: ignore[misc]
            samples[places] = group[members]
    return samples


def shares(total: int, ratios: Sequence[float]) -> list[int]:
    """Whole numbers in these ratios that add up to `total`.

    Example: 10 in the ratios 1, 1, 1 are 4, 3, 3.
    """
    exact = np.array(ratios) / sum(ratios) * total
    counts = np.floor(exact).astype(int)
    for number in np.argsort(counts - exact, kind="stable")[: total - int(counts.sum())]:
        counts[number] += 1
    return [int(count) for count in counts]
