from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vidcore.randomness import Purpose, generator
from vidcore_mixture.draws import balanced_passes, shares, shuffled_passes


def key(block: int, part: int = 0) -> np.random.Generator:
    return generator(1, Purpose.SOURCES, block, repeat=part)


@given(length=st.integers(1, 40), first=st.integers(0, 3000), counts=st.lists(st.integers(0, 90), max_size=4))
def test_what_is_drawn_bit_by_bit_is_what_is_drawn_at_once(length: int, first: int, counts: list[int]) -> None:
    whole = shuffled_passes(key, length, first, sum(counts))
    starts = first + np.cumsum([0, *counts])
    parts = [shuffled_passes(key, length, int(start), count) for start, count in zip(starts, counts, strict=False)]
    assert np.concatenate([*parts, []]).tolist() == whole.tolist()


def test_each_pass_has_everything_once_in_an_order_of_its_own() -> None:
    passes = shuffled_passes(key, 50, 0, 100 * 50).reshape(100, 50)
    assert (np.sort(passes, axis=1) == np.arange(50)).all()
    assert len({tuple(one) for one in passes.tolist()}) == 100


def test_balanced_draws_have_each_class_alike_and_take_turns_within_it() -> None:
    groups = [np.array([0]), np.array([1, 2, 3]), np.arange(4, 104)]
    drawn = np.concatenate([balanced_passes(key, groups, first, 90) for first in range(0, 900, 90)])
    times = np.bincount(drawn, minlength=104)
    assert [times[group].sum() for group in groups] == [300, 300, 300]
    assert [set(times[group].tolist()) for group in groups] == [{300}, {100}, {3}]


def test_balanced_draws_do_not_depend_on_where_one_begins() -> None:
    groups = [np.array([4, 5]), np.array([0, 1, 2, 3])]
    whole = balanced_passes(key, groups, 5, 100)
    assert balanced_passes(key, groups, 42, 20).tolist() == whole[37:57].tolist()


@given(total=st.integers(0, 500), ratios=st.lists(st.floats(0.01, 100), min_size=1, max_size=6))
def test_shares_add_up_and_are_right_to_one(total: int, ratios: list[float]) -> None:
    counts = shares(total, ratios)
    assert sum(counts) == total
    assert all(abs(count - ratio / sum(ratios) * total) < 1 + 1e-9 for count, ratio in zip(counts, ratios, strict=True))
