"""Learning-rate schedules as the reference runs them, and those that its recipes have."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from vidcore.engine.schedules import Schedule


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


def of_the_zoo() -> list[tuple[list[dict], int, float]]:
    """The different schedules of the reference's recipes: their parts, the epochs, and the learning rate."""
    zoo = Path(os.environ.get("VIDCORE_REFERENCE", Path(__file__).parents[5] / "shared" / "reference")) / "zoo.json"
    if not zoo.exists():
        pytest.skip("shared test data absent")
    rows = [row for row in json.loads(zoo.read_text()) if row.get("schedulers")]
    different = {
        json.dumps([row["schedulers"], row["train_loop"]["max_epochs"], row["optimizer"]["lr"]]) for row in rows
    }
    return [tuple(json.loads(one)) for one in sorted(different)]


def expected_of(tables: list[dict], epochs: int, lr: float) -> list[float]:
    """Every rate, six steps an epoch."""
    return [lr * value for value in Recursive(relative_to(tables, lr), 6).run(epochs)]


def warmup_of(tables: list[dict]) -> dict:
    """The warm-up as our options."""
    if tables[0]["type"] != "LinearLR":
        return {}
    by = "step" if tables[0].get("convert_to_iter_based") else "epoch"
    return {"warmup_epochs": tables[0]["end"], "warmup_start": tables[0]["start_factor"], "warmup_by": by}


def relative_to(tables: list[dict], lr: float) -> list[dict]:
    return [dict(table, eta_min=table["eta_min"] / lr) if "eta_min" in table else table for table in tables]
