"""Optuna's ask, and its pruning, over the trials of a sweep.

The study is built anew from the outcomes for each question: a sweep's folder is its only memory, and the same outcomes
have the same answer, also after a kill.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from vidcore_optuna.config import Optuna
from vidcore_sweep.config import Range, Space
from vidcore_sweep.reading import inline
from vidcore_sweep.search import Curve, Outcome, Values

_STATES = {"finished": TrialState.COMPLETE, "stopped early": TrialState.PRUNED, "failed": TrialState.FAIL}


class OptunaSearch:
    """Chooses values, and stops trials that are behind."""

    adaptive = True  # values follow from what came before: a sweep keeps to those it has tried

    def __init__(self, config: Optuna, space: Space) -> None:
        self.config, self._space = config, space
        self._distributions = {key: _distribution(values) for key, values in space.items()}
        # Optuna's choices are plain scalars; lists and tables go by their text
        self._choices = {
            key: {inline(value): value for value in values}
            for key, values in space.items()
            if not isinstance(values, Range)
        }

    def values(self, number: int, done: Sequence[Outcome]) -> Values | None:
        """What the sampler asks for after these outcomes."""
        if number >= self.config.trials:
            return None
        trial = self._study(done, number).ask(self._distributions)
        return {key: self._choices.get(key, {}).get(value, value) for key, value in trial.params.items()}

    def stop_early(self, trial: Outcome, done: Sequence[Outcome]) -> bool:
        """Whether the pruner would, at the last evaluation of a trial that is going."""
        if self.config.prune == "none":
            return False
        study = self._study(done, len(done), lower=trial.lower)
        asked = study.ask(self._distributions)
        for place, (_, value) in enumerate(sorted(trial.curve.items())):
            if math.isfinite(value):
                asked.report(value, place)
        return asked.should_prune()

    def _study(self, done: Sequence[Outcome], number: int, lower: bool | None = None) -> optuna.Study:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        lower = any(outcome.lower for outcome in done) if lower is None else lower
        study = optuna.create_study(
            direction="minimize" if lower else "maximize", sampler=self._sampler(number), pruner=self._pruner()
        )
        study.add_trials(self._past(done))
        return study

    def _past(self, done: Iterable[Outcome]) -> list[FrozenTrial]:
        """Outcomes as trials; one that was finished without a figure has nothing to teach."""
        return [
            create_trial(
                state=_STATES[outcome.state] if outcome.best is not None else TrialState.FAIL,
                params={key: inline(value) if key in self._choices else value for key, value in outcome.values.items()},
                distributions=self._distributions,
                value=outcome.best if outcome.state != "failed" else None,
                intermediate_values=_by_evaluation(outcome.curve),
            )
            for outcome in done
            if outcome.values.keys() == self._space.keys() and self._knows(outcome.values)
        ]

    def _knows(self, values: Values) -> bool:
        """Whether values lie in the space, which may have been changed since."""
        return all(
            inline(values[key]) in self._choices[key]
            if not isinstance(space, Range)
            else isinstance(values[key], int | float) and space.low <= values[key] <= space.high
            for key, space in self._space.items()
        )

    def _sampler(self, number: int) -> BaseSampler:
        seed = self.config.seed * 1_000_003 + number
        if self.config.sampler == "random":
            return RandomSampler(seed=seed)
        if self.config.sampler == "gp":
            return GPSampler(seed=seed, n_startup_trials=self.config.startup)
        return TPESampler(seed=seed, n_startup_trials=self.config.startup)

    def _pruner(self) -> BasePruner:
        if self.config.prune == "median":
            return MedianPruner(self.config.startup, self.config.warmup_evaluations)
        if self.config.prune == "halving":
            return SuccessiveHalvingPruner(min_resource=self.config.warmup_evaluations + 1)
        return NopPruner()


def _distribution(values: Any) -> BaseDistribution:
    if not isinstance(values, Range):
        return CategoricalDistribution([inline(value) for value in values])
    if values.integer:
        return IntDistribution(round(values.low), round(values.high), log=values.log)
    return FloatDistribution(values.low, values.high, log=values.log)


def _by_evaluation(curve: Curve) -> dict[int, float]:
    """Evaluations counted from 0: trials may have steps of different length."""
    return {place: value for place, (_, value) in enumerate(sorted(curve.items())) if math.isfinite(value)}
