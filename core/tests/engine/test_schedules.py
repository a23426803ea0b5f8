"""Learning-rate factors: against the rules of the reference, step by step, and against torch where it has the same."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
import torch

from vidcore.engine.config import Constant, Cosine, MultiStep
from vidcore.engine.schedules import (
    ConstantSchedule,
    MultiStepSchedule,
    Schedule,
    cosine,
)


def factors(schedule: Schedule, epochs: int, per_epoch: int) -> list[float]:
    return [schedule.factor(step, per_epoch, epochs) for step in range(epochs * per_epoch)]


class Recursive:
    """Schedules as the reference runs them: objects that step along and multiply the learning rate they find."""

    def __init__(self, tables: list[dict], per_epoch: int) -> None:
        self.lr, self.base, self.per_epoch = 1.0, 1.0, per_epoch
        self.parts = [dict(table, seen=-1, last=-1) for table in tables]
        for part in self.parts:
            part.setdefault("begin", 0)
            part.setdefault("end", math.inf)
            part["by_step"] = part.pop("convert_to_iter_based", False)
            if part["by_step"]:
                for key in ("begin", "end"):
                    part[key] = int(part[key] * per_epoch) if part[key] != math.inf else math.inf
                if "T_max" in part:
                    part["T_max"] *= per_epoch
            self.advance(part)

    def run(self, epochs: int) -> list[float]:
        seen = []
        for _ in range(epochs):
            for _ in range(self.per_epoch):
                seen.append(self.lr)
                for part in self.parts:
                    if part["by_step"]:
                        self.advance(part)
            for part in self.parts:
                if not part["by_step"]:
                    self.advance(part)
        return seen

    def advance(self, part: dict) -> None:
        part["seen"] += 1
        if not part["begin"] <= part["seen"] < part["end"]:
            return
        part["last"] += 1
        count = part["last"]
        if part["type"] == "LinearLR":
            start, total = part["start_factor"], part["end"] - part["begin"] - 1
            if count == 0:
                self.lr *= start
            elif count <= total:
                self.lr *= 1 + (1 - start) / (total * start + (count - 1) * (1 - start))
        elif part["type"] == "CosineAnnealingLR" and count > 0:
            low = part["eta_min"] if "eta_min" in part else part["eta_min_ratio"] * self.base
            top = part["T_max"]
            ratio = (1 + math.cos(math.pi * count / top)) / (1 + math.cos(math.pi * (count - 1) / top))
            self.lr = ratio * (self.lr - low) + low
        elif part["type"] == "MultiStepLR" and count in part["milestones"]:
            self.lr *= part["gamma"]


def warm(end: float, by_step: bool = True, start: float = 0.1) -> dict:
    table = {"type": "LinearLR", "start_factor": start, "by_epoch": True, "begin": 0, "end": end}
    return {**table, "convert_to_iter_based": True} if by_step else table


def cos(length: int, begin: int = 0, by_step: bool = False, **low: float) -> dict:
    table = {
        "type": "CosineAnnealingLR",
        "T_max": length,
        "begin": begin,
        "end": begin + length,
        **(low or {"eta_min": 0}),
    }
    return {**table, "convert_to_iter_based": True} if by_step else table


def steps(*milestones: int, begin: int = 0, end: int = 1000) -> dict:
    return {"type": "MultiStepLR", "begin": begin, "end": end, "milestones": milestones, "gamma": 0.1}


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
    "milestones from epoch 0 under the warm-up": (
        [warm(34), steps(94, 154, 196)],
        MultiStepSchedule(MultiStep(warmup_epochs=34, milestones=(94, 154, 196))),
        256,
    ),
    "milestones that count from the end of the warm-up": (
        [warm(10, by_step=False), steps(90, 130, begin=10, end=150)],
        MultiStepSchedule(MultiStep(warmup_epochs=10, warmup_by="epoch", milestones=(100, 140))),
        150,
    ),
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


def test_milestones_must_ascend() -> None:
    with pytest.raises(ValueError, match=r"'milestones' must ascend, got \[4, 2\]"):
        MultiStep(milestones=(4, 2))


def test_every_schedule_of_the_zoo_can_be_written() -> None:
    zoo = Path(os.environ.get("VIDCORE_REFERENCE", Path(__file__).parents[4] / "shared" / "reference")) / "zoo.json"
    if not zoo.exists():
        pytest.skip("shared test data absent")
    rows = [row for row in json.loads(zoo.read_text()) if row.get("schedulers")]
    different = {
        json.dumps([row["schedulers"], row["train_loop"]["max_epochs"], row["optimizer"]["lr"]]) for row in rows
    }
    assert len(different) > 30
    for tables, epochs, lr in map(json.loads, sorted(different)):
        expected = [lr * value for value in Recursive(_relative(tables, lr), 6).run(epochs)]
        found = [lr * value for value in factors(_ours(tables, lr), epochs, 6)]
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12), tables


def _relative(tables: list[dict], lr: float) -> list[dict]:
    return [dict(table, eta_min=table["eta_min"] / lr) if "eta_min" in table else table for table in tables]


def _ours(tables: list[dict], lr: float) -> Schedule:
    """The translation that a recipe's author makes by hand."""
    warmup: dict = {}
    if tables[0]["type"] == "LinearLR":
        by = "step" if tables[0].get("convert_to_iter_based") else "epoch"
        warmup = {"warmup_epochs": tables[0]["end"], "warmup_start": tables[0]["start_factor"], "warmup_by": by}
    curve = tables[-1]
    begin = curve.get("begin", 0)
    if curve["type"] == "MultiStepLR":
        milestones = tuple(begin + milestone for milestone in curve["milestones"])
        return MultiStepSchedule(MultiStep(milestones=milestones, gamma=curve["gamma"], **warmup))
    by = "step" if curve.get("convert_to_iter_based") else "epoch"
    final = curve["eta_min_ratio"] if "eta_min_ratio" in curve else curve["eta_min"] / lr
    return cosine(Cosine(begin=begin, length=curve["T_max"], by=by, final=final, **warmup))
