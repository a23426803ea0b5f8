from __future__ import annotations

import numpy as np
import torch

from vidcore.data.video.memory import take_memory

LARGE = 33 << 20


def test_large_memory_is_used_again_once_nobody_holds_a_part_of_it() -> None:
    taken = take_memory(LARGE)
    taken[-1] = 7
    place, part = taken.ctypes.data, torch.from_numpy(taken)[100:200].numpy()[3:5]
    del taken
    other = take_memory(LARGE)
    assert other.ctypes.data != place, "memory that somebody looks at was given away"
    del part
    again = take_memory(LARGE - 1)
    assert again.ctypes.data == place
    assert len(again) == LARGE - 1


def test_memory_of_one_sample_is_kept_while_the_next_is_read() -> None:
    first, second = take_memory(LARGE), take_memory(LARGE)
    places = {first.ctypes.data, second.ctypes.data}
    del first, second
    thief = np.zeros(LARGE, np.uint8)  # takes the place of what was given back
    first, second = take_memory(LARGE), take_memory(LARGE)
    assert {first.ctypes.data, second.ctypes.data} == places
    assert thief.ctypes.data not in places


def test_a_small_wish_does_not_hold_large_memory() -> None:
    large = take_memory(3 * LARGE)
    del large
    fits = take_memory(LARGE)
    base = fits.base
    assert isinstance(base, np.ndarray)
    assert len(base) == LARGE
    assert take_memory(1000).base is None
