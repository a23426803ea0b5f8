"""The shapes of multigrid training, and norms that see parts of a batch, as the paper has them."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
import torch
from attrs import frozen
from torch import nn

from vidcore.data.plan import TrainingPlan
from vidcore_training.grid import Grid, Shape
from vidcore_training.multigrid import MultigridPlan, SubBatchNorm, _scaled, split_norms

GRID = Grid(batch=8, frames=16, ends=(24, 48))


def test_the_long_cycle_has_the_four_shapes_of_the_paper_for_as_many_steps_each() -> None:
    grid = Grid(batch=8, frames=16, ends=(24,), short_cycle=False)
    assert [grid.shape(step) for step in (0, 6, 12, 18, 24)] == [
        Shape(64, 4, 1 / math.sqrt(2)),
        Shape(32, 8, 1 / math.sqrt(2)),
        Shape(16, 8, 1.0),
        Shape(8, 16, 1.0),
        Shape(8, 16, 1.0),
    ]
    assert [len(list(group)) for _, group in itertools.groupby(map(grid.stretch, range(24)))] == [6, 6, 6, 6]
    assert [grid.rate(step) for step in (0, 6, 12, 18, 24)] == [8, 4, 2, 1, 1]


def test_batches_are_whole_multiples_and_rates_those_of_the_clips_that_come() -> None:
    large = Grid(batch=64, frames=8, ends=(20,))  # 158 pixels are not quite 224 by the root of two
    assert [large.shape(step).batch for step in (0, 1, 5, 10, 15, 18)] == [1024, 512, 256, 256, 256, 256]
    odd = Grid(batch=8, frames=10, ends=(8,), short_cycle=False)  # a quarter of ten frames are two
    assert [(odd.shape(step).batch, odd.shape(step).frames, odd.rate(step)) for step in (0, 2, 4, 6)] == [
        (80, 2, 10),
        (32, 5, 4),
        (16, 5, 2),
        (8, 10, 1),
    ]


def test_every_cycle_of_the_schedule_begins_anew_and_the_end_is_the_full_shape() -> None:
    assert [GRID.stretch(step) for step in (0, 23, 24, 47, 48, 1000)] == [0, 3, 0, 3, 3, 3]


def test_the_short_cycle_changes_the_side_with_every_step_and_no_rate() -> None:
    grid = Grid(batch=8, frames=16, ends=(), long_cycle=False)
    assert [grid.shape(step).batch for step in range(4)] == [32, 16, 8, 32]
    assert [round(224 * grid.shape(step).side) for step in range(3)] == [112, 158, 224]
    assert {grid.rate(step) for step in range(6)} == {1}


def test_the_short_cycle_is_never_larger_than_the_long_ones_shape() -> None:
    assert [round(224 * GRID.shape(step).side) for step in range(3)] == [112, 158, 158]
    assert [GRID.shape(step).batch for step in range(3)] == [128, 64, 64]


def test_every_shape_that_comes_is_known_beforehand() -> None:
    assert {(shape.frames, shape.side) for shape in map(GRID.shape, range(60))} == set(GRID.shapes())


def test_sides_shrink_with_the_clip_and_of_a_range_only_the_lowest() -> None:
    @frozen
    class Scale:
        size: int | tuple[int, int] = (224, 200)
        short_side: int | tuple[int, int] | None = (256, 320)
        long_side: int | None = None

    assert _scaled(Scale(), 0.5) == Scale(size=(112, 100), short_side=(128, 320))
    assert _scaled(Scale(size=10, short_side=256, long_side=40), 0.5) == Scale(size=5, short_side=128, long_side=20)


def test_a_plan_takes_every_sample_once_an_epoch_and_may_begin_anywhere() -> None:
    grid = Grid(batch=2, frames=4, ends=(8,))
    whole = list(itertools.islice(MultigridPlan(TrainingPlan(num_samples=37, batch_size=2, accumulate=2), grid), 24))
    assert [len(refs) for refs in whole[::2]] == [grid.shape(step).batch for step in range(12)]
    read = [ref.index for refs in whole for ref in refs]
    assert sorted(read[:37]) == sorted(read[37:74]) == list(range(37))
    assert read[:37] != read[37:74]
    late = MultigridPlan(TrainingPlan(num_samples=37, batch_size=2, accumulate=2, start_step=5), grid)
    assert list(itertools.islice(late, 14)) == whole[10:]


@pytest.mark.parametrize("world", [2, 4])
def test_processes_share_the_chunks_of_one(world: int) -> None:
    grid = Grid(batch=2, frames=4, ends=(8,))

    def plan(rank: int, world: int) -> list[list[object]]:
        base = TrainingPlan(num_samples=37, batch_size=2, accumulate=4 // world, rank=rank, world=world)
        return list(itertools.islice(MultigridPlan(base, grid), 20 // world))  # type: ignore[arg-type]

    shared = [chunk for several in zip(*(plan(rank, world) for rank in range(world)), strict=True) for chunk in several]
    assert shared == plan(0, 1)


def test_a_norm_in_parts_is_a_norm_of_each_part_and_counts_one_batch() -> None:
    plain, model = nn.BatchNorm3d(3), nn.Sequential(nn.BatchNorm3d(3))
    names = list(model.state_dict())
    (norm,) = split_norms(model)
    assert isinstance(model[0], SubBatchNorm)
    assert list(model.state_dict()) == names
    x = torch.randn(8, 3, 2, 4, 4) * torch.arange(1, 9).view(8, 1, 1, 1, 1)
    norm.parts = 2
    torch.testing.assert_close(model(x), torch.cat([plain(x[:4]), plain(x[4:])]))
    halves = [(half.mean(dim=(0, 2, 3, 4)), half.var(dim=(0, 2, 3, 4))) for half in (x[:4], x[4:])]
    torch.testing.assert_close(norm.running_mean, 0.1 * torch.stack([mean for mean, _ in halves]).mean(0))
    spread = torch.stack([mean for mean, _ in halves]).var(0, unbiased=False)
    expected = 0.9 + 0.1 * (torch.stack([variance for _, variance in halves]).mean(0) + spread)
    torch.testing.assert_close(norm.running_var, expected)
    assert norm.num_batches_tracked == 1


def test_a_norm_in_one_part_is_the_norm_that_it_replaced(tmp_path: Path) -> None:
    plain, model = nn.BatchNorm2d(3), nn.Sequential(nn.BatchNorm2d(3))
    split_norms(model)
    for module in (plain, model):
        module(torch.linspace(-1, 5, 2 * 3 * 16).view(2, 3, 4, 4))
        module.eval()
    x = torch.randn(2, 3, 4, 4)
    assert torch.equal(plain(x), model(x))
