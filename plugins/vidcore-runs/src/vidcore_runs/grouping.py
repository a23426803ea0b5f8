"""Runs that differ in nothing but their seed, taken together; and what others differ in."""

from __future__ import annotations

import fnmatch
import json
import re
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import frozen

from vidcore.engine.run_folder import FREE_KEYS
from vidcore_runs.records import Run, figures_of, leaves

_FREE = (*FREE_KEYS, "seed", "engine.accumulate")  # the last is filled in when a run starts

_SEED = re.compile(r"\bseed=[^,/]*,?")  # in a name that a sweep gave


@frozen(eq=False)
class Group:
    """Runs of one experiment, seed by seed."""

    runs: tuple[Run, ...]

    @property
    def name(self) -> str:
        """What the names of its runs begin with; those of a sweep, without their seed."""
        if len(self.runs) == 1:
            return self.runs[0].name
        without_seed = {_SEED.sub("", run.name).rstrip(",/") for run in self.runs}
        if len(without_seed) == 1:
            return without_seed.pop()
        first, *others = (run.name for run in self.runs)
        shared = next(
            (end for end in range(len(first)) if any(name[: end + 1] != first[: end + 1] for name in others)), 0
        )
        return first[:shared].rstrip("-_ /.") or first

    @property
    def seeds(self) -> int:
        """That are different: an experiment may have been run twice with one."""
        return len({run.seed for run in self.runs})

    def figures(self, split: str) -> dict[str, list[float]]:
        """Final figures on a split, one a seed that has them: of "val" those of the last evaluation."""
        found: dict[str, list[tuple[int, float]]] = {}
        for run in self.runs:
            rows = run.evaluations(split)
            for name, value in (figures_of(rows[-1]) if rows else {}).items():
                found.setdefault(name, []).append((run.seed, value))
        return {name: _per_seed(values) for name, values in found.items()}

    @property
    def best_metric(self) -> str:
        """The figure that picks the best weights; "" before the first evaluation."""
        return next((run.best.metric for run in self.runs if run.best), "")

    @property
    def best(self) -> list[float]:
        """The best value of each seed that has been measured."""
        found = [(run.seed, run.best) for run in self.runs if run.best]
        return _per_seed((seed, best.value) for seed, best in found if best.metric == self.best_metric)


@frozen
class Spread:
    """A mean over seeds, with the deviation of one of them (n - 1)."""

    mean: float
    deviation: float | None  # None of one seed
    count: int


def group(runs: Iterable[Run], by_seed: bool = True) -> list[Group]:
    """Groups of runs, in the order of their first.

    Args:
        runs: In the order in which they are shown.
        by_seed: Take those together that are equal but for their seed; else each run is a group.
    """
    found: dict[str, list[Run]] = {}
    for run in runs:
        key = json.dumps(essence(run), sort_keys=True, default=str) if by_seed else str(run.folder)
        found.setdefault(key, []).append(run)
    return [Group(tuple(sorted(members, key=lambda run: run.seed))) for members in found.values()]


def essence(run: Run) -> dict[str, Any]:
    """`dotted key -> value`, without what decides nothing that is computed, and without the seed."""
    return {
        key: value
        for key, value in leaves(run.experiment)
        if not any(fnmatch.fnmatchcase(key, pattern) for pattern in _FREE)
    }


def differences(groups: Sequence[Group]) -> dict[str, list[Any]]:
    """Keys in which groups differ, with the value of each; None where it has none."""
    tables = [essence(each.runs[0]) for each in groups]
    keys = dict.fromkeys(key for table in tables for key in table)
    found = {key: [table.get(key) for table in tables] for key in keys}
    return {key: values for key, values in found.items() if any(value != values[0] for value in values)}


def _per_seed(values: Iterable[tuple[int, float]]) -> list[float]:
    """Runs of one seed are no sign of how much seeds differ: their mean counts once."""
    by_seed: dict[int, list[float]] = {}
    for seed, value in values:
        by_seed.setdefault(seed, []).append(value)
    return [statistics.fmean(each) for each in by_seed.values()]


def spread(values: Sequence[float]) -> Spread | None:
    """Mean and deviation; None of nothing."""
    if not values:
        return None
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Spread(statistics.fmean(values), deviation, len(values))
