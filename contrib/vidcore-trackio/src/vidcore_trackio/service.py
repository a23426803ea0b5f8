"""A run in trackio's data base on this machine."""

from __future__ import annotations

import contextlib
import io
import time
import uuid
from collections.abc import Mapping
from typing import Any, Literal

import trackio as library
from trackio.sqlite_storage import SQLiteStorage

from vidcore.engine.events import RunInfo
from vidcore_trackio.config import Trackio
from vidcore_watching.tracking import TrackingCallback, Values

_PATIENCE = 2.0  # seconds that a checkpoint waits for trackio's thread, which writes twice a second


def trackio(config: Trackio) -> TrackingCallback:
    """The callback."""
    return TrackingCallback(TrackioService(config), "trackio")


class TrackioService:
    """Writes; nothing leaves the machine."""

    def __init__(self, config: Trackio) -> None:
        self.config = config
        self._logged = 0  # step

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
        self._logged = step

    def flush(self) -> None:
        """Wait for its thread: what it holds would be lost in a kill."""
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and self._stored() < self._logged:
            time.sleep(0.05)

    def _stored(self) -> int:
        return SQLiteStorage.get_max_step_for_run(self.config.project, self._run.name) or 0

    def close(self, state: Literal["finished", "stopped"], figures: Values) -> None:
        """Wait until all is written."""
        with contextlib.redirect_stdout(io.StringIO()):
            library.finish()  # not of the run alone, which would be finished, and greeted, once more when Python ends
