"""Learning-rate factors: against the rules of the reference, step by step, and against torch where it has the same."""

from __future__ import annotations

import pytest
import torch
from reference_schedules import Recursive, cos, expected_of, factors, of_the_zoo, warm, warmup_of

from vidcore.engine.config import Constant, Cosine
from vidcore.engine.schedules import ConstantSchedule, Schedule, cosine

REFERENCE = {
    "warm-up by step, cosine by epoch from 0": (
        [warm(34), cos(256)],
        cosine(Cosine(warmup_epochs=34, begin=0, by="epoch")),
        256,
    ),
    "warm-up by epoch, then cosine by epoch": (
        [warm(34, by_step=False), cos(222, begin=34)],
        cosine(Cosine(warmup_epochs=34, warmup_by="epoch", by="epoch")),
        256,
    ),
    "the same, shorter": (
        [warm(34, by_step=False), cos(162, begin=34)],
        cosine(Cosine(warmup_epochs=34, warmup_by="epoch", by="epoch")),
        196,
    ),
    "warm-up and cosine by step": (
        [warm(2), cos(8, begin=2, by_step=True)],
        cosine(Cosine(warmup_epochs=2)),
        10,
    ),
    "half an epoch of warm-up": (
        [warm(2.5), cos(30)],
        cosine(Cosine(warmup_epochs=2.5, begin=0, by="epoch")),
        30,
    ),
    "cosine that does not reach its end": (
        [warm(30, start=0.01), cos(200, begin=30, by_step=True, eta_min=0.01)],
        cosine(Cosine(warmup_epochs=30, warmup_start=0.01, length=200, final=0.01)),
        200,
    ),
    "cosine alone by epoch": ([cos(180)], cosine(Cosine(by="epoch")), 180),
    "cosine alone by step": ([cos(16, by_step=True)], cosine(Cosine()), 16),
}


@pytest.mark.parametrize("per_epoch", [2, 7])
@pytest.mark.parametrize("name", REFERENCE)
def test_every_step_has_the_learning_rate_of_the_reference(name: str, per_epoch: int) -> None:
    tables, schedule, epochs = REFERENCE[name]
    expected = Recursive(tables, per_epoch).run(epochs)
    assert factors(schedule, epochs, per_epoch) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_the_recursive_rule_of_this_test_is_that_of_torch() -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    schedules = [
        torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=4),
        torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20),
    ]
    seen = []
    for _ in range(20):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        for schedule in schedules:
            schedule.step()
    assert Recursive([warm(5), cos(20)], 1).run(20) == pytest.approx(seen, rel=1e-9)


def test_constant_stays() -> None:
    assert set(factors(ConstantSchedule(Constant()), 3, 4)) == {1.0}


def test_warm_up_reaches_one_in_its_last_step() -> None:
    seen = factors(ConstantSchedule(Constant(warmup_epochs=1, warmup_start=0.25)), 2, 4)
    assert seen == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0])
    assert factors(ConstantSchedule(Constant(warmup_epochs=1)), 2, 1) == [0.1, 1.0]


def test_every_cosine_of_the_zoo_can_be_written() -> None:
    seen = [one for one in of_the_zoo() if one[0][-1]["type"] == "CosineAnnealingLR"]
    assert len(seen) > 15
    for tables, epochs, lr in seen:
        found = [lr * value for value in factors(_ours(tables, lr), epochs, 6)]
        assert found == pytest.approx(expected_of(tables, epochs, lr), rel=1e-9, abs=1e-12), tables


def _ours(tables: list[dict], lr: float) -> Schedule:
    """The translation that a recipe's author makes by hand."""
    curve = tables[-1]
    by = "step" if curve.get("convert_to_iter_based") else "epoch"
    final = curve["eta_min_ratio"] if "eta_min_ratio" in curve else curve["eta_min"] / lr
    span = {"begin": curve.get("begin", 0), "length": curve["T_max"]}
    return cosine(Cosine(**span, by=by, final=final, **warmup_of(tables)))
