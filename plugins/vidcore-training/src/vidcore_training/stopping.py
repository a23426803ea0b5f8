"""Early stopping: what it knows it reads from metrics.jsonl, so a run that was killed stops where it would have."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from vidcore.engine.events import RunInfo, StopTraining
from vidcore.engine.journal import read_journal
from vidcore.errors import ConfigError
from vidcore.plugins import hookimpl
from vidcore_training.config import EarlyStopping


class EarlyStop:
    """Ends training after an evaluation."""

    may_stop_run = True

    def __init__(self, config: EarlyStopping) -> None:
        self.config = config
        self.values: list[float] = []

    @hookimpl
    def run_started(self, run: RunInfo) -> None:
        """Where a run goes on, evaluations have been.

        Raises:
            ConfigError: There will be none.
        """
        if run.experiment.data.val is None:
            raise ConfigError("early-stopping: nothing is measured in training; give [data.val], or leave it out")
        rows = [row for row in read_journal(run.folder / "metrics.jsonl") if row.get("split") == "val"]
        self.values = [row.get(self.config.metric, math.nan) for row in rows]
        self._decide()

    @hookimpl
    def evaluation_finished(self, split: str, metrics: Mapping[str, float]) -> None:
        """Stop, if this was one too many."""
        if split != "val":
            return
        if self.config.metric not in metrics:
            known = ", ".join(metrics)
            raise ConfigError(f"early-stopping.metric: no metric gives {self.config.metric!r}; there are: {known}")
        self.values.append(metrics[self.config.metric])
        self._decide()

    def _decide(self) -> None:
        waited = without_progress(self.values, self.config.min_delta, higher=self.config.mode == "max")
        if waited >= self.config.patience:
            raise StopTraining(f"{self.config.metric} has not become better in {waited} evaluations")


def without_progress(values: Iterable[float], min_delta: float, *, higher: bool) -> int:
    """How many values have come since the best one; what is not a number is no progress."""
    best, waited = -math.inf, 0
    for value in values:
        score = value if higher else -value
        if score > best + (min_delta if math.isfinite(best) else 0.0):
            best, waited = score, 0
        else:
            waited += 1
    return waited
