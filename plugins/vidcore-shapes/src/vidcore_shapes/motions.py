"""The eight motion classes, and why no bag of frames can tell them apart.

A shape makes three closed loops, one after the other, each returning to where it began: once around the frame
horizontally (what leaves at one side comes in at the other), once around it vertically, and a turn about its centre
that ends where it began, since the shape looks the same after a half or a third of a whole turn.
Each loop is run forwards or backwards, and the three directions are the class: 2 x 2 x 2 = 8.
A loop run backwards shows the same pictures in another order. So the eight classes of one scene are eight orders of
one set of pictures, and whatever looks at frames one by one, or at all of them in any order, is right once in eight.

Which loop comes first, second and third, and how many frames each takes, is drawn for each scene and tells nothing.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from attrs import frozen

Array = np.ndarray[Any, np.dtype[Any]]

# Frames of the first, second and third loop, 30 in all: around ten each, so that a step is small beside the shape, and
# even, see `frame_order`.
LOOP_LENGTHS: tuple[tuple[int, int, int], ...] = (
    (10, 10, 10),
    *((first, second, third) for first, second, third in itertools.permutations((8, 10, 12))),
)


@frozen(kw_only=True)
class Loops:
    """When the three loops of a scene happen."""

    order: tuple[int, int, int]  # which loop comes first, second, third: 0 horizontal, 1 vertical, 2 turning
    lengths: tuple[int, int, int]  # frames that the first, second, third take


def draw_loops(rng: np.random.Generator) -> Loops:
    """Loops in a random order, at random speeds."""
    first, second, third = (int(loop) for loop in rng.permutation(3))
    return Loops(order=(first, second, third), lengths=LOOP_LENGTHS[int(rng.integers(len(LOOP_LENGTHS)))])


def phases(loops: Loops) -> Array:
    """How far along each loop every picture of a scene is, all run forwards: fractions of a loop `[T, 3]`."""
    result = np.zeros((sum(loops.lengths), 3))
    start = 0
    for loop, length in zip(loops.order, loops.lengths, strict=True):
        result[start : start + length, loop] = np.arange(length) / length
        start += length
    return result


def frame_order(loops: Loops, label: int) -> Array:
    """The order in which class `label` shows the pictures of a scene: indices `[T]`, each exactly once.

    A loop of 8 frames is `0 1 2 3 4 5 6 7` forwards and `0 7 6 5 4 3 2 1` backwards. Loops have an even number of
    frames, so that every second frame of a video is the same set of pictures in all classes too.
    """
    forwards = [bool(label >> bit & 1) for bit in (2, 1, 0)]
    order: list[int] = []
    for loop, length in zip(loops.order, loops.lengths, strict=True):
        step = 1 if forwards[loop] else -1
        start = len(order)
        order += [start + step * index % length for index in range(length)]
    return np.array(order)
