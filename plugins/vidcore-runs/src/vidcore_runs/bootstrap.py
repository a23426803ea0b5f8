"""How sure a difference between runs is: a paired bootstrap over the samples that all of them answered.

Samples are drawn again and again, the same ones for every run, and each time the difference is taken. What is drawn is
the test data: the interval tells what another sample of videos would do, not another seed. Runs of several seeds enter
as the mean of their figures.

A figure that is a mean over samples (accuracy) is drawn with replacement. Another one (mAP) is measured anew on random
halves without replacement, which vary as much as draws with replacement do: a metric may know a sample by its name, and
would take a second copy of it for the first.
Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile interval);
Efron, The Jackknife, the Bootstrap and Other Resampling Plans, 1982, chapter 8 (half-samples).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from vidcore.config.slots import MetricSlot
from vidcore.config.structure import structure
from vidcore.engine.evaluation import Scored, measure
from vidcore.engine.predictions import Predictions, read_predictions
from vidcore.engine.run_folder import RunFolder
from vidcore.errors import ConfigError, DataError, RunError
from vidcore.plugins import build, host
from vidcore_runs.grouping import Group
from vidcore_runs.records import Run

Floats = NDArray[np.float64]
_PROBES = 4  # random halves on which a figure must be the mean of its samples to be taken for one


@frozen(kw_only=True)
class Interval:
    """A difference of a figure between two groups of runs."""

    figure: str
    difference: float  # on all samples
    low: float
    high: float
    wins: float  # share of the draws in which it is above zero; a tie counts half
    num_samples: int


@frozen(kw_only=True)
class _Metrics:
    metrics: dict[str, MetricSlot] = field(factory=dict)


@frozen(kw_only=True, eq=False)
class _Scored:
    """The predictions of a run, and how they are measured."""

    rows: list[Scored]
    measure: Callable[[Sequence[Scored]], dict[str, float]]


def compare(
    first: Group,
    other: Group,
    *,
    split: str,
    figures: Sequence[str] = (),
    draws: int = 1000,
    confidence: float = 0.95,
    progress: Callable[[float], None] = lambda done: None,
) -> list[Interval]:
    """Intervals of `other` minus `first`, one a figure.

    Args:
        first: What is compared to.
        other: Runs of another experiment on the same data.
        split: Whose predictions: "val" or "test".
        figures: Names; none: all that both have.
        draws: Times that samples are drawn.
        confidence: Of the interval, between 0 and 1.
        progress: Called with the share that is done.

    Raises:
        RunError: A run has no predictions of the split.
        DataError: The runs did not answer the same samples.
        ConfigError: They have no such figure, or no metric.
    """
    sides = [[_read(run, split) for run in group.runs] for group in (first, other)]
    _align([scored for side in sides for scored in side], [run for group in (first, other) for run in group.runs])
    num = len(sides[0][0].rows)
    whole = [_mean(side, range(num)) for side in sides]
    names = _names(figures, whole)
    drawn = [
        _draw(sides[0], names, draws, lambda done: progress(done / 2)),
        _draw(sides[1], names, draws, lambda done: progress((1 + done) / 2)),
    ]
    tail = 100 * (1 - confidence) / 2
    return [_interval(name, whole, [each[name] for each in drawn], tail, num) for name in names]


def _draw(
    side: Sequence[_Scored], names: Sequence[str], draws: int, progress: Callable[[float], None]
) -> dict[str, Floats]:
    """Figures on drawn samples, `[draws]` each; the same samples for every side."""
    num = len(side[0].rows)
    columns = [_per_sample(scored, names) for scored in side]
    means = {name: _mean_column([column[name] for column in columns]) for name in names}
    rng = np.random.default_rng(0)
    choices = rng.integers(num, size=(draws, num))
    found = {name: column[choices].mean(axis=1) for name, column in means.items() if column is not None}
    others = [name for name in names if name not in found]
    found |= {name: np.empty(draws) for name in others}
    for number in range(draws if others else 0):
        again = _mean(side, rng.permutation(num)[: max(num // 2, 1)])
        for name in others:
            found[name][number] = again.get(name, np.nan)
        progress((number + 1) / draws)
    return found


def _interval(
    name: str, whole: Sequence[Mapping[str, float]], drawn: Sequence[Floats], tail: float, num: int
) -> Interval:
    differences = drawn[1] - drawn[0]
    differences = differences[np.isfinite(differences)]  # a draw may hold no sample that a figure needs
    if not differences.size:
        raise ConfigError(f"{name} is no number on any drawn set of samples; choose another with --metric")
    low, high = np.percentile(differences, [tail, 100 - tail])
    wins = float((differences > 0).mean() + (differences == 0).mean() / 2)
    difference = whole[1][name] - whole[0][name]
    return Interval(figure=name, difference=difference, low=float(low), high=float(high), wins=wins, num_samples=num)


def _read(run: Run, split: str) -> _Scored:
    path = RunFolder(run.folder).predictions(split)
    if not path.is_file():
        raise RunError(
            f"{run.folder} has no predictions of split {split!r}; `vidcore test --run {run.folder} --output {path}` "
            "writes them, or choose another with --split"
        )
    predictions = read_predictions(path)
    return _Scored(rows=predictions.samples, measure=_measuring(run, predictions))


def _measuring(run: Run, predictions: Predictions) -> Callable[[Sequence[Scored]], dict[str, float]]:
    config, problems = structure({"metrics": dict(run.experiment.get("metrics", {}))}, _Metrics, host())
    if config is None:
        told = "; ".join(problem.text for problem in problems)
        raise ConfigError(f"the metrics of {run.folder} cannot be had: {told}")
    if not config.metrics:
        raise ConfigError(f"{run.folder} has no [metrics.NAME], so there is nothing to compare")
    metrics = config.metrics

    def once(rows: Sequence[Scored]) -> dict[str, float]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of means over nothing: a draw may lack a class
            return measure(rows, {name: build(metric, predictions.classes) for name, metric in metrics.items()})

    return once


def _align(scored: Sequence[_Scored], runs: Sequence[Run]) -> None:
    """All runs must have answered the same samples with the same truth, in one order."""
    first = [_identity(row) for row in scored[0].rows]
    if not first:
        raise DataError(f"{runs[0].folder} has no prediction in it")
    for one, run in zip(scored[1:], runs[1:], strict=True):
        theirs = [_identity(row) for row in one.rows]
        if theirs != first:
            missing = len(set(first) ^ set(theirs))
            raise DataError(
                f"{run.folder} and {runs[0].folder} did not answer the same samples: {missing} differ in name or truth "
                f"of {len(first)} and {len(theirs)}; a paired comparison needs one test set"
            )


def _identity(row: Scored) -> tuple[str, str]:
    prediction, target = row
    label = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in target.items()}
    return prediction.ref.key, repr(label)


def _names(wanted: Sequence[str], whole: Sequence[Mapping[str, float]]) -> list[str]:
    known = [name for name in whole[0] if name in whole[1]]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ConfigError(f"no figure {unknown[0]!r} in the metrics of all runs; there are: {', '.join(known)}")
    return list(wanted) or known


def _mean(side: Sequence[_Scored], indices: Iterable[int]) -> dict[str, float]:
    """Figures on chosen samples, averaged over the runs of a side."""
    each = [scored.measure([scored.rows[index] for index in indices]) for scored in side]
    return {name: float(np.mean([figures.get(name, np.nan) for figures in each])) for name in each[0]}


def _per_sample(scored: _Scored, names: Sequence[str]) -> dict[str, Floats | None]:
    """The figure of each sample by itself, where a figure is their mean (accuracy is; mAP is not, and gives None)."""
    singles: list[Mapping[str, Any]] = [scored.measure([row]) for row in scored.rows]
    columns = {name: np.array([figures.get(name, np.nan) for figures in singles], dtype=np.float64) for name in names}
    rng = np.random.default_rng(1)
    probes = [rng.choice(len(singles), size=max(len(singles) // 2, 1), replace=False) for _ in range(_PROBES)]
    measured = [(probe, scored.measure([scored.rows[index] for index in probe])) for probe in probes]
    return {
        name: column
        if all(abs(column[probe].mean() - figures.get(name, np.nan)) < 1e-6 for probe, figures in measured)
        else None
        for name, column in columns.items()
    }


def _mean_column(columns: Sequence[Floats | None]) -> Floats | None:
    kept = [column for column in columns if column is not None]
    return np.mean(kept, axis=0) if len(kept) == len(columns) else None
