"""A run in trackio's data base on this machine."""

from __future__ import annotations

import contextlib
import io
import uuid
from collections.abc import Mapping
from typing import Any, Literal

import trackio as library

from vidcore.engine.events import RunInfo
from vidcore_trackio.config import Trackio
from vidcore_watching.tracking import TrackingCallback, Values


def trackio(config: Trackio) -> TrackingCallback:
    """The callback."""
    return TrackingCallback(TrackioService(config), "trackio")


class TrackioService:
    """Writes; nothing leaves the machine."""

    def __init__(self, config: Trackio) -> None:
        self.config = config

    def open(self, run: RunInfo, known: str, configuration: Mapping[str, Any]) -> str:
        """The run of this name in the project; a new one where it is taken by another."""
        name = known or f"{run.name}-{uuid.uuid4().hex[:6]}"
        with contextlib.redirect_stdout(io.StringIO()):  # it greets
            self._run = library.init(
                project=self.config.project,
                name=name,
                group=self.config.group or None,
                config=dict(configuration),
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )
        return name

    def log(self, step: int, values: Values) -> None:
        """A point of each curve."""
        self._run.log(dict(values), step=step)

    def flush(self) -> None:
        """It writes by itself, twice a second or so."""

    def close(self, state: Literal["finished", "stopped"], figures: Values) -> None:
        """Wait until all is written."""
        with contextlib.redirect_stdout(io.StringIO()):
            self._run.finish()
