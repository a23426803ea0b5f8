from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vidcore.data.plan import EvaluationPlan, TrainingPlan
from vidcore.values import SampleRef

sizes = st.integers(1, 40)
few = st.integers(1, 4)


def indices(plan: TrainingPlan | EvaluationPlan) -> list[list[int]]:
    return [[ref.index for ref in batch] for batch in plan]


@given(num_samples=sizes, batch_size=few, accumulate=few, drop_last=st.booleans(), start=st.integers(0, 30))
def test_a_plan_from_step_k_is_the_end_of_the_plan_from_the_start(
    num_samples: int, batch_size: int, accumulate: int, drop_last: bool, start: int
) -> None:
    def plan(start: int) -> list[list[SampleRef]]:
        return list(
            TrainingPlan(
                num_samples=num_samples,
                batch_size=batch_size,
                seed=3,
                start_step=start,
                stop_step=31,
                accumulate=accumulate,
                drop_last=drop_last,
            )
        )

    whole = plan(0)
    assert plan(start) == whole[start * accumulate :]
    assert all(whole)  # no empty chunk


@given(num_samples=sizes, batch_size=few, accumulate=few)
def test_an_epoch_has_each_sample_once(num_samples: int, batch_size: int, accumulate: int) -> None:
    plan = TrainingPlan(
        num_samples=num_samples, batch_size=batch_size, accumulate=accumulate, drop_last=False, stop_step=100
    )
    for epoch in range(2):
        refs = [ref for batch in plan for ref in batch if ref.epoch == epoch]
        assert {ref.index for ref in refs} == set(range(num_samples))
        # only a last step with fewer samples than chunks takes some once more
        assert len(refs) - num_samples < accumulate


@given(num_samples=sizes, batch_size=few, accumulate=few, world=few, drop_last=st.booleans())
def test_processes_share_the_chunks_that_one_would_accumulate(
    num_samples: int, batch_size: int, accumulate: int, world: int, drop_last: bool
) -> None:
    options: dict[str, Any] = {
        "num_samples": num_samples,
        "batch_size": batch_size,
        "stop_step": 5,
        "drop_last": drop_last,
    }
    alone = indices(TrainingPlan(accumulate=accumulate * world, **options))
    shared = [indices(TrainingPlan(accumulate=accumulate, rank=r, world=world, **options)) for r in range(world)]
    assert {len(batches) for batches in shared} == {5 * accumulate}
    assert alone == list(itertools.chain.from_iterable(zip(*shared, strict=True)))


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    plan = TrainingPlan(num_samples=50, batch_size=10, seed=1, stop_step=10)
    orders = [plan.order(0), plan.order(1), TrainingPlan(num_samples=50, batch_size=10, seed=2).order(0)]
    for first, second in itertools.combinations(orders, 2):
        assert (first != second).any()
    assert [ref.epoch for batch in plan for ref in batch] == [0] * 50 + [1] * 50


def test_a_data_set_may_choose_the_samples_of_an_epoch() -> None:
    def choose(seed: int, epoch: int) -> NDArray[np.int64]:
        return np.array([seed, 1, 7, 7, 7]) + epoch

    plan = TrainingPlan(num_samples=5, batch_size=2, seed=3, choose=choose, start_step=1, stop_step=4)
    assert indices(plan) == [[7, 7], [4, 2], [8, 8]]


def test_a_plan_without_end_goes_on() -> None:
    plan = TrainingPlan(num_samples=3, batch_size=2)
    assert len(list(itertools.islice(plan, 100))) == 100


def test_fewer_samples_than_a_batch_make_one_short_step() -> None:
    plan = TrainingPlan(num_samples=3, batch_size=8, stop_step=2)
    assert plan.steps_per_epoch == 1
    assert [len(batch) for batch in plan] == [3, 3]


def in_order(seed: int, epoch: int) -> NDArray[np.int64]:
    return np.arange(11)


def test_what_is_left_is_shared_out_over_the_chunks_of_the_last_step() -> None:
    plan = TrainingPlan(num_samples=11, batch_size=4, accumulate=2, choose=in_order, drop_last=False, stop_step=2)
    assert indices(plan) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], [10]]
    assert plan.steps_per_epoch == 2


@given(num_samples=st.integers(0, 40), batch_size=few, world=few)
def test_evaluation_has_every_sample_once_in_order(num_samples: int, batch_size: int, world: int) -> None:
    plans = [EvaluationPlan(num_samples=num_samples, batch_size=batch_size, rank=r, world=world) for r in range(world)]
    batches = sorted(batch for plan in plans for batch in indices(plan))
    assert [index for batch in batches for index in batch] == list(range(num_samples))
    assert all(len(batch) == batch_size for batch in batches[:-1])
