"""A run in MLflow. Only its client is used: the state that mlflow keeps for a process is left to whoever uses it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any, Literal

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from vidcore.engine.events import RunInfo
from vidcore_mlflow.config import Mlflow
from vidcore_watching.tracking import TrackingCallback, Values

_FORBIDDEN = re.compile(r"[^\w\-. /]")  # in names of metrics
_MOST_PARAMS = 100  # of one request
_LONGEST = 5000  # characters of a param


def mlflow(config: Mlflow) -> TrackingCallback:
    """The callback."""
    return TrackingCallback(MlflowService(config), "mlflow")


class MlflowService:
    """Talks to a store."""

    def __init__(self, config: Mlflow) -> None:
        self.config = config

    def open(self, run: RunInfo, known: str, configuration: Mapping[str, Any]) -> str:
        """The run of this id; a new one, with the experiment as its params, where there is none."""
        self._client = MlflowClient(tracking_uri=self.config.uri or None)
        if known:
            self._id = known
            self._client.update_run(known, status="RUNNING")
            return known
        found = self._client.get_experiment_by_name(self.config.experiment)
        experiment = found.experiment_id if found else self._client.create_experiment(self.config.experiment)
        self._id = self._client.create_run(experiment, run_name=run.name).info.run_id
        params = [Param(key, str(value)[:_LONGEST]) for key, value in configuration.items()]
        for start in range(0, len(params), _MOST_PARAMS):
            self._client.log_batch(self._id, params=params[start : start + _MOST_PARAMS])
        self._client.log_batch(self._id, tags=[RunTag("vidcore.folder", str(run.folder.resolve()))])
        return str(self._id)

    def log(self, step: int, values: Values) -> None:
        """A point of each curve."""
        now = round(1000 * time.time())
        metrics = [Metric(_FORBIDDEN.sub("_", name), value, now, step) for name, value in values.items()]
        self._client.log_batch(self._id, metrics=metrics)

    def flush(self) -> None:
        """Each request is written when it returns."""

    def close(self, state: Literal["finished", "stopped"], figures: Values) -> None:
        """A run that left early is `KILLED` until it goes on."""
        now = round(1000 * time.time())
        metrics = [Metric(_FORBIDDEN.sub("_", f"final/{name}"), value, now, 0) for name, value in figures.items()]
        self._client.log_batch(self._id, metrics=metrics)
        self._client.set_terminated(self._id, "FINISHED" if state == "finished" else "KILLED")
