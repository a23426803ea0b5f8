"""Contract checks for metrics."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from vidcore.plugins import build
from vidcore.values import Prediction


def check_metric(
    config: Any,
    classes: Sequence[str],
    samples: Sequence[tuple[Prediction, dict[str, Any]]],
    factory: Callable[[Any, Sequence[str]], Any] = build,
) -> None:
    """Check a metric on samples of its kind.

    Figures are plain floats, the same when asked twice and in whatever order samples came; without samples it answers
    without an error; predictions and targets are left as they were; `lower_is_better` names figures that there are.

    Args:
        config: Of a component of kind `metric`.
        classes: Names.
        samples: At least two predictions with their targets, of which some are wrong.
        factory: Makes the metric from config and classes. Left out: that of the installed component.

    Raises:
        AssertionError: Says what breaks the contract.
    """
    assert len(samples) > 1, "give at least two samples"
    what = type(factory(config, classes)).__name__
    empty = factory(config, classes).compute()
    assert isinstance(empty, dict), f"{what}.compute() must return a dict, got {type(empty).__name__}"
    metric = factory(config, classes)
    before = copy.deepcopy([(prediction.outputs, target) for prediction, target in samples])
    for prediction, target in samples:
        metric.update(prediction, target)
    for (outputs, target), (prediction, now) in zip(before, samples, strict=True):
        assert _same(outputs, prediction.outputs) and _same(target, now), f"{what}.update() changes what it is given"
    figures = metric.compute()
    for name, value in figures.items():
        assert isinstance(name, str) and type(value) is float, (
            f"{what}: {name} must be a float, is {type(value).__name__}"
        )
    unknown = set(getattr(metric, "lower_is_better", ())) - set(figures)
    assert not unknown, f"{what}.lower_is_better names {sorted(unknown)}; the figures are {list(figures)}"
    assert _equal(metric.compute(), figures), f"{what}.compute() answers differently the second time"
    backwards = factory(config, classes)
    for prediction, target in reversed(samples):
        backwards.update(prediction, target)
    assert _equal(backwards.compute(), figures), f"{what} depends on the order of samples"


def _equal(one: dict[str, float], two: dict[str, float]) -> bool:
    return one.keys() == two.keys() and all(
        math.isclose(one[name], two[name], rel_tol=1e-9) or (math.isnan(one[name]) and math.isnan(two[name]))
        for name in one
    )


def _same(one: Any, two: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(_same(one[name], two[name]) for name in one)
    return bool((one == two).all()) if isinstance(one, Tensor) else bool(one == two)
