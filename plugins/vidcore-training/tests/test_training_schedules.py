from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch

from vidcore.engine.config import Cosine
from vidcore.engine.schedules import Schedule, cosine
from vidcore.testing import check_component
from vidcore_training.config import Linear, MultiStep, OneCycle, Poly, Step
from vidcore_training.plugin import vidcore_components
from vidcore_training.schedules import MultiStepSchedule, OneCycleSchedule, StepSchedule, linear, poly


@pytest.mark.parametrize("component", vidcore_components(), ids=lambda component: component.name)
def test_contract(component) -> None:  # type: ignore[no-untyped-def]
    check_component(component)


def factors(schedule: Schedule, epochs: int, per_epoch: int) -> list[float]:
    return [schedule.factor(step, per_epoch, epochs) for step in range(epochs * per_epoch)]


def test_one_cycle_is_that_of_torch() -> None:
    for shape, anneal in (("cosine", "cos"), ("linear", "linear")):
        parameter = torch.nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.SGD([parameter], lr=1.0)
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=1.0, total_steps=60, cycle_momentum=False, anneal_strategy=anneal
        )
        seen = []
        for _ in range(60):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if len(seen) < 60:
                cycle.step()
        schedule = OneCycleSchedule(OneCycle(shape=shape))  # type: ignore[arg-type]
        assert factors(schedule, 6, 10) == pytest.approx(seen, rel=1e-9)


def test_one_cycle_by_epoch_takes_an_epoch_for_a_step() -> None:
    by_step, by_epoch = OneCycleSchedule(OneCycle()), OneCycleSchedule(OneCycle(by="epoch"))
    assert factors(by_epoch, 10, 3) == [factor for factor in factors(by_step, 10, 1) for _ in range(3)]
    assert factors(OneCycleSchedule(OneCycle(rise=0.1)), 10, 1)[0] == 1.0  # the first is the peak


def torchs(make: Callable[[torch.optim.Optimizer], torch.optim.lr_scheduler.LRScheduler], count: int) -> list[float]:
    """The rates that a schedule of torch gives."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs, seen = make(optimizer), []
    for _ in range(count):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    return seen


def test_all_but_one_cycle_are_those_of_torch_by_step_and_by_epoch() -> None:
    lr_scheduler = torch.optim.lr_scheduler
    by_step: dict[Schedule, Any] = {
        cosine(Cosine()): lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 12),
        linear(Linear()): lambda optimizer: lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=12),
        poly(Poly(power=0.9)): lambda optimizer: lr_scheduler.PolynomialLR(optimizer, total_iters=12, power=0.9),
        StepSchedule(Step(every=1.25, gamma=0.5)): lambda optimizer: lr_scheduler.StepLR(optimizer, 5, gamma=0.5),
        StepSchedule(Step(every=5, by="step", gamma=0.5)): lambda optimizer: lr_scheduler.StepLR(optimizer, 5, 0.5),
        MultiStepSchedule(MultiStep(milestones=(3, 10), by="step")): (
            lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [3, 10])
        ),
    }
    for schedule, theirs in by_step.items():
        assert factors(schedule, 3, 4) == pytest.approx(torchs(theirs, 12), rel=1e-9, abs=1e-12)
    by_epoch: dict[Schedule, Any] = {
        StepSchedule(Step(every=2)): lambda optimizer: lr_scheduler.StepLR(optimizer, 2),
        MultiStepSchedule(MultiStep(milestones=(1, 2))): lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [1, 2]),
        cosine(Cosine(by="epoch")): lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 3),
        linear(Linear(by="epoch")): lambda optimizer: lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=3),
        poly(Poly(power=2.0, by="epoch")): lambda optimizer: lr_scheduler.PolynomialLR(optimizer, 3, power=2.0),
    }
    for schedule, theirs in by_epoch.items():
        expected = [factor for factor in torchs(theirs, 3) for _ in range(4)]
        assert factors(schedule, 3, 4) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_poly_and_linear_end_where_they_say() -> None:
    for schedule in (linear(Linear(final=0.5)), poly(Poly(power=2.0, final=0.5))):
        seen = factors(schedule, 3, 4)
        assert seen[0] == 1.0
        assert all(later < earlier for earlier, later in itertools.pairwise(seen))
        assert schedule.factor(12, 4, 3) == schedule.factor(99, 4, 3) == 0.5
    assert poly(Poly(power=2.0)).factor(6, 4, 3) == pytest.approx(0.25)
