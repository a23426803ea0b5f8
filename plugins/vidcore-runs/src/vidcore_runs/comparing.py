"""Several runs side by side, in lines of text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from vidcore_runs.columns import aligned, number
from vidcore_runs.grouping import Group, Spread, differences, spread
from vidcore_runs.records import figures_of

if TYPE_CHECKING:
    from vidcore_runs.bootstrap import Interval

_WIDEST = 40  # of a value of the configuration


def common_split(groups: Sequence[Group]) -> str:
    """The split to compare on: "test" where all runs have been measured at the end, else "val"."""
    runs = [run for group in groups for run in group.runs]
    return "test" if all(run.evaluations("test") for run in runs) else "val"


def figures_known(groups: Sequence[Group]) -> list[str]:
    """Names of figures in evaluations, those that pick best weights first."""
    first = [group.best_metric for group in groups if group.best_metric]
    rows = [row for group in groups for run in group.runs for row in run.evaluations()]
    return list(dict.fromkeys([*first, *(name for row in rows for name in figures_of(row))]))


def reached(groups: Sequence[Group], split: str, figures: Sequence[str] = ()) -> Iterator[str]:
    """A row a group: the best on data.val, and final figures, with mean and deviation over seeds."""
    found = [group.figures(split) for group in groups]
    names = list(figures) or list(dict.fromkeys(name for each in found for name in each))
    metrics = {group.best_metric for group in groups} - {""}
    shared = " ".join(metrics) if len(metrics) == 1 else ""
    head = ["runs", "seeds", "epochs", f"best {shared}".rstrip(), *(f"{split} {name}" for name in names)]
    rows = [
        [
            group.name,
            str(group.seeds),
            _range(run.epoch for run in group.runs),
            ("" if shared else f"{group.best_metric} ") + _told(spread(group.best)),
            *(_told(spread(figures.get(name, []))) for name in names),
        ]
        for group, figures in zip(groups, found, strict=True)
    ]
    yield from aligned(head, rows, right=head[1:])
    for group in groups:
        if len(group.runs) > 1:
            yield f"{group.name}: {', '.join(f'{run.name} (seed {run.seed})' for run in group.runs)}"
    waiting = [run.name for group in groups for run in group.runs if not run.result]
    if waiting:
        yield f"not finished: {', '.join(waiting)}"


def configurations(groups: Sequence[Group]) -> Iterator[str]:
    """A row a key that differs, a column a group."""
    found = differences(groups)
    if not found:
        yield "the configurations do not differ in what is computed, but for the seed"
        return
    head = ["differs", *(group.name for group in groups)]
    yield from aligned(head, ([key, *map(_value, values)] for key, values in found.items()))


def intervals(first: Group, other: Group, found: Iterable[Interval], split: str, confidence: float) -> Iterator[str]:
    """A row a figure: the difference, where it lies, and whether that leaves zero out."""
    rows = []
    num = 0
    for one in found:
        num = one.num_samples
        sure = "differs" if one.low > 0 or one.high < 0 else "may be chance"
        span = f"[{_signed(one.low)}, {_signed(one.high)}]"
        rows.append([one.figure, _signed(one.difference), span, f"{one.wins:.1%}", sure])
    yield f"{other.name} minus {first.name}, on the same {num} samples of {split}:"
    head = ["figure", "difference", f"{confidence:.0%} interval", "above zero", ""]
    yield from aligned(head, rows, right=["difference", "above zero"])


def _told(found: Spread | None) -> str:
    if found is None:
        return ""
    return number(found.mean) + (f" ± {number(found.deviation)}" if found.deviation is not None else "")


def _range(values: Iterable[int]) -> str:
    known = sorted(set(values))
    return f"{known[0]}" if len(known) == 1 else f"{known[0]}-{known[-1]}"


def _value(value: Any) -> str:
    text = "absent" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def _signed(value: float) -> str:
    return f"{value:+.4f}"
