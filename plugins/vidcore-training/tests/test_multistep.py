"""Milestones: against the rules of the reference, step by step."""

from __future__ import annotations

import pytest
from reference_schedules import Recursive, expected_of, factors, of_the_zoo, steps, warm, warmup_of

from vidcore_training.config import MultiStep
from vidcore_training.schedules import MultiStepSchedule


@pytest.mark.parametrize("per_epoch", [2, 7])
def test_milestones_are_those_of_the_reference(per_epoch: int) -> None:
    under_warmup = [warm(34), steps(94, 154, 196)]
    ours = MultiStepSchedule(MultiStep(warmup_epochs=34, milestones=(94, 154, 196)))
    assert factors(ours, 256, per_epoch) == pytest.approx(Recursive(under_warmup, per_epoch).run(256), rel=1e-9)
    after_warmup = [warm(10, by_step=False), steps(90, 130, begin=10, end=150)]
    ours = MultiStepSchedule(MultiStep(warmup_epochs=10, warmup_by="epoch", milestones=(100, 140)))
    assert factors(ours, 150, per_epoch) == pytest.approx(Recursive(after_warmup, per_epoch).run(150), rel=1e-9)


def test_milestones_must_ascend() -> None:
    with pytest.raises(ValueError, match=r"'milestones' must ascend, got \[4, 2\]"):
        MultiStep(milestones=(4, 2))


def test_all_milestones_of_the_zoo_can_be_written() -> None:
    seen = [one for one in of_the_zoo() if one[0][-1]["type"] == "MultiStepLR"]
    assert len(seen) > 10
    for tables, epochs, lr in seen:
        curve = tables[-1]
        milestones = tuple(curve.get("begin", 0) + milestone for milestone in curve["milestones"])
        ours = MultiStepSchedule(MultiStep(milestones=milestones, gamma=curve["gamma"], **warmup_of(tables)))
        found = [lr * value for value in factors(ours, epochs, 6)]
        assert found == pytest.approx(expected_of(tables, epochs, lr), rel=1e-9, abs=1e-12), tables
