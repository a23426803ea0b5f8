"""Runs as rows of a table: chosen, sorted, told."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from vidcore.config.layers import parse_set
from vidcore.errors import ConfigError
from vidcore_runs.columns import duration, moment, number
from vidcore_runs.records import Run, leaves

HEAD = ("run", "state", "epochs", "best", "", "seed", "last written", "took")
RIGHT = ("epochs", "", "seed", "took")

_KEYS: Mapping[str, Callable[[Run], Any]] = {
    "name": lambda run: run.name,
    "when": lambda run: run.last_written,
    "took": lambda run: run.seconds,
    "epochs": lambda run: run.epoch,
    "state": lambda run: run.ending.state.value,
    "best": lambda run: (run.best.lower, -run.best.value if run.best.lower else run.best.value) if run.best else (),
}
SORTS = tuple(_KEYS)
_UPWARDS = ("name", "state")  # the others: the latest, longest, best first


def chosen(runs: Iterable[Run], patterns: Sequence[str], states: Sequence[str], conditions: Sequence[str]) -> list[Run]:
    """Those runs that a person asked for.

    Args:
        runs: All of them.
        patterns: Shell patterns of names; none: all.
        states: Names of states; none: all.
        conditions: `KEY=VALUE` of the configuration, as after `--set`; all have to hold.

    Raises:
        ConfigError: A condition is not of that form.
    """
    wanted = [leaf for condition in conditions for leaf in leaves(_condition(condition))]
    return [
        run
        for run in runs
        if (not patterns or any(fnmatch.fnmatchcase(run.name, pattern) for pattern in patterns))
        and (not states or run.ending.state.value in states)
        and _holds(run, wanted)
    ]


def ordered(runs: Iterable[Run], by: str, reverse: bool = False) -> list[Run]:
    """Sorted by a column: names upwards, the others with the largest first."""
    return sorted(runs, key=_KEYS[by], reverse=(by not in _UPWARDS) != reverse)


def line(run: Run) -> list[str]:
    """A run as texts, one a column of HEAD."""
    best = run.best
    return [
        run.name,
        run.ending.state.value,
        f"{run.epoch}/{run.epochs}",
        best.metric if best else "",
        number(best.value) if best else "",
        str(run.seed),
        moment(run.last_written),
        duration(run.seconds),
    ]


def as_table(run: Run) -> dict[str, Any]:
    """A run as plain values, for programs."""
    best = run.best
    return {
        "name": run.name,
        "folder": str(run.folder),
        "state": run.ending.state.value,
        "epoch": run.epoch,
        "epochs": run.epochs,
        "seed": run.seed,
        "best": best.value if best else None,
        "best_metric": best.metric if best else "",
        "best_step": best.step if best else None,
        "metrics": run.result.get("metrics", {}),
        "last_written": run.last_written,
        "seconds": run.seconds,
    }


def _condition(text: str) -> dict[str, Any]:
    try:
        return parse_set(text).table
    except ConfigError as error:
        raise ConfigError(str(error).replace("--set", "--where")) from error


def _holds(run: Run, wanted: Iterable[tuple[str, Any]]) -> bool:
    """A component's table is met by the name of its type, too: `model=slowonly`."""
    has = dict(leaves(run.experiment))
    return all(value in (has.get(key), has.get(f"{key}.type")) for key, value in wanted)
