"""The learning-rate range test: train while the rate grows, and look where the loss falls fastest.

Smith, "Cyclical Learning Rates for Training Neural Networks", arXiv:1506.01186.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from attrs import evolve, frozen

from vidcore.config.experiment import Experiment
from vidcore.engine.assembly import assemble, build_model, build_training, load_first_weights
from vidcore.engine.feeding import bad_videos, training_batches
from vidcore.engine.groups import set_training_mode
from vidcore.engine.loop import take_step
from vidcore.errors import RunError

_MEMORY = 0.9  # of the smoothed loss, a step
_DIVERGED = 4.0  # times the lowest smoothed loss
_ROUNDING = 1e-9  # share of a loss by which the running mean of equal ones may seem to fall


@frozen(kw_only=True)
class RangeTest:
    """What was seen. Rates are values of `optimizer.lr`, whatever a group or the size of a step makes of them."""

    rates: list[float]
    losses: list[float]  # as they came
    smoothed: list[float]
    steepest: float | None  # the rate to begin with; None: the loss never fell
    lowest: float  # the rate at which the loss was lowest


def range_test(
    experiment: Experiment, low: float, high: float, steps: int, say: Callable[[int, float, float], None]
) -> RangeTest:
    """Take steps from `low` to `high`, or until the loss has grown beyond doubt.

    Raises:
        RunError: The loss was never finite for long enough to say anything.
    """
    parts = evolve(assemble(experiment, ("train",)), techniques={})
    model = build_model(parts)
    load_first_weights(model, experiment.model)
    training = build_training(parts, model, steps)
    first = low / experiment.optimizer.lr  # what every group's own rate is multiplied by
    training = evolve(training, learning_rate_factor=lambda step: first * (high / low) ** (step / max(steps - 1, 1)))
    rates: list[float] = []
    losses: list[float] = []
    set_training_mode(model, training.frozen_norm)
    with training_batches(parts, 0, bad_videos(parts, "train")) as batches, parts.precision.matmul_settings():
        for step in range(steps):
            taken = take_step(training, step, batches)
            loss = taken.losses["loss"]
            if not math.isfinite(loss) or (losses and smooth([*losses, loss])[-1] > _DIVERGED * min(smooth(losses))):
                break
            rates.append(low * (high / low) ** (step / max(steps - 1, 1)))
            losses.append(loss)
            say(step, rates[-1], loss)
    if len(losses) < 5:
        raise RunError(f"the loss grew beyond all bounds after {len(losses)} steps; begin with a lower --from")
    return conclude(rates, losses)


def smooth(losses: Sequence[float]) -> list[float]:
    """A running mean that forgets, without a bias towards 0 at the start."""
    mean, found = 0.0, []
    for count, loss in enumerate(losses, start=1):
        mean = _MEMORY * mean + (1 - _MEMORY) * loss
        found.append(mean / (1 - _MEMORY**count))
    return found


def conclude(rates: Sequence[float], losses: Sequence[float]) -> RangeTest:
    """The rate of the steepest fall, by the logarithm of the rate, before the lowest smoothed loss."""
    smoothed = smooth(losses)
    lowest = min(range(len(smoothed)), key=smoothed.__getitem__)
    width = max(len(rates) // 20, 1)  # a fall is looked at over some steps
    falls = {
        place: (smoothed[place + width] - smoothed[place - width])
        / (math.log(rates[place + width]) - math.log(rates[place - width]))
        for place in range(width, max(lowest - width, width) + 1)
        if place + width < len(rates)
    }
    steepest = min(falls, key=falls.__getitem__)
    nothing = _ROUNDING * max(map(abs, losses))
    return RangeTest(
        rates=list(rates),
        losses=list(losses),
        smoothed=smoothed,
        steepest=rates[steepest] if falls[steepest] < -nothing else None,
        lowest=rates[lowest],
    )
