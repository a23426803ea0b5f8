"""A run in Weights & Biases."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Literal

import wandb as weights_and_biases

from vidcore.engine.events import RunInfo
from vidcore_wandb.config import Wandb
from vidcore_watching.tracking import TrackingCallback, Values


def wandb(config: Wandb) -> TrackingCallback:
    """The callback."""
    return TrackingCallback(WandbService(config), "wandb")


class WandbService:
    """Logs in; the key is wandb's own matter (`wandb login`, or WANDB_API_KEY)."""

    def __init__(self, config: Wandb) -> None:
        self.config = config

    def open(self, run: RunInfo, known: str, configuration: Mapping[str, Any]) -> str:
        """The run of this id; a new one where there is none."""
        config = self.config
        self._run = weights_and_biases.init(
            id=known or uuid.uuid4().hex[:12],
            resume="allow",
            project=config.project,
            entity=config.entity or None,
            group=config.group or None,
            tags=config.tags or None,
            name=run.name,
            dir=run.folder,
            config=dict(configuration),
            mode=config.mode,
            settings=weights_and_biases.Settings(silent=True, console="off"),
        )
        # curves over our steps: what is told again after a kill would else be refused as going back
        self._run.define_metric("step")
        self._run.define_metric("*", step_metric="step")
        return str(self._run.id)

    def log(self, step: int, values: Values) -> None:
        """A point of each curve."""
        self._run.log({**values, "step": step})

    def flush(self) -> None:
        """Its own process writes what it is given at once."""

    def close(self, state: Literal["finished", "stopped"], figures: Values) -> None:
        """The summary has the final figures; a run that left early is shown as crashed until it goes on."""
        for name, value in figures.items():
            self._run.summary[f"final/{name}"] = value
        self._run.finish(exit_code=0 if state == "finished" else 1)
