"""What plugins for tracking services share: a callback that tells a service what a run writes into its journals.

Route: `Service` is what a plugin writes; `TrackingCallback` listens to the run; `Follower` reads new rows of
metrics.jsonl and timings.jsonl, so that curves in the service are those of the run folder; `Place` keeps where the run
is in the service.

A run that goes on continues the same tracked run. What was told since the last checkpoint is told again: those steps
are taken again, with the same values, and a service may have lost them in a kill. A tracker that is added to a run
later tells everything from the first step.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from vidcore.config import to_table
from vidcore.engine.events import RunInfo
from vidcore.engine.run_folder import RunFolder
from vidcore.errors import RunError
from vidcore.plugins import hookimpl
from vidcore.whole_files import written_whole

Values = dict[str, float]


class Service(Protocol):
    """A tracking service, for one run."""

    def open(self, run: RunInfo, known: str, configuration: Mapping[str, Any]) -> str:
        """Begin, or go on with the run that the service knows as `known`; what it is known as from now on.

        Args:
            run: Its `start_step` tells from where it goes on.
            known: "" where the service has not heard of it.
            configuration: The experiment, flat.
        """

    def log(self, step: int, values: Values) -> None:
        """Values of a step; a step may come again with others."""

    def flush(self) -> None:
        """What was logged must survive a kill from here on."""

    def close(self, state: Literal["finished", "stopped"], figures: Values) -> None:
        """The run is done, with its final figures, or leaves early."""


class TrackingCallback:
    """Tells a service how a run goes.

    Args:
        service: Fresh, for this run alone.
        name: Of the service, in file names.
    """

    def __init__(self, service: Service, name: str) -> None:
        self.service, self._name = service, name
        self._follower: Follower | None = None

    @hookimpl
    def run_started(self, run: RunInfo) -> None:
        """Open, and tell what the journals hold already and the service has not heard."""
        self._place = Place(run.folder, self._name)
        known, told = self._place.read(run.start_step)
        self._run = self.service.open(run, known, configuration(run))
        self._follower = Follower(run.folder, told)
        self._place.write(self._run, told)
        self._tell(until=run.start_step)

    @hookimpl
    def step_finished(self) -> None:
        """Most steps write no line, and cost two looks at a file's size."""
        self._tell()

    @hookimpl
    def evaluation_finished(self) -> None:
        """Its row is written by now."""
        self._tell()

    @hookimpl
    def checkpoint_saved(self) -> None:
        """Were the run killed, it would go on from here."""
        if self._follower is not None:
            self.service.flush()
            self._place.write(self._run, self._follower.told)

    @hookimpl
    def run_finished(self, metrics: Mapping[str, float]) -> None:
        """Close with the final figures."""
        self._close("finished", {name: value for name, value in metrics.items() if math.isfinite(value)})

    @hookimpl
    def run_stopped(self) -> None:
        """Close; the run may go on another day."""
        self._close("stopped", {})

    def _tell(self, until: float = math.inf) -> None:
        if self._follower is not None:
            for step, values in self._follower.rows(until):
                self.service.log(step, values)

    def _close(self, state: Literal["finished", "stopped"], figures: Values) -> None:
        if self._follower is None:  # it could not be opened
            return
        self._tell()
        self._place.write(self._run, self._follower.told)
        self.service.close(state, figures)
        self._follower = None


class Follower:
    """Reads what was appended to the journals of a run since it last looked.

    Args:
        folder: Of the run.
        told: Rows up to this step are passed over.
    """

    def __init__(self, folder: Path, told: int = 0) -> None:
        files = RunFolder(folder)
        self.told = self._after = told
        self._offsets = {files.metrics: 0, files.timings: 0}

    def rows(self, until: float = math.inf) -> list[tuple[int, Values]]:
        """(step, values) of new rows, ascending: `train/loss`, `val/top1`, `time/clips_per_second`.

        Args:
            until: Step after which rows are passed over: timings.jsonl also has the times of steps that a kill undid.
        """
        found: dict[int, Values] = {}
        for path in self._offsets:
            for row in self._new(path):
                step = int(row["step"])
                # the last row of all comes after the last checkpoint
                if self._after < step <= until or row.get("split") == "test":
                    found.setdefault(step, {}).update(named(row, timing=path.name.startswith("timings")))
        self.told = max([self.told, *found])
        return [(step, values) for step, values in sorted(found.items()) if values]

    def _new(self, path: Path) -> Iterator[Mapping[str, Any]]:
        if not path.exists() or path.stat().st_size <= self._offsets[path]:
            return
        with path.open("rb") as file:
            file.seek(self._offsets[path])
            for line in file:
                if not line.endswith(b"\n"):
                    return  # it is being written
                self._offsets[path] += len(line)
                try:
                    row = json.loads(line)
                except ValueError:  # a kill cut it short
                    continue
                if isinstance(row, dict) and "step" in row:
                    yield row


def named(row: Mapping[str, Any], *, timing: bool) -> Values:
    """The values of a row under the names that services show."""
    split = row.get("split", "train")
    values = {
        name: float(value)
        for name, value in row.items()
        if name not in ("step", "epoch", "split") and isinstance(value, int | float)
    }
    if not timing:
        return {f"{split}/{name}": value for name, value in values.items()} | {"epoch": float(row.get("epoch", 0))}
    if split != "train":
        return {f"time/{split}_seconds": values["seconds"]} if "seconds" in values else {}
    told = {
        "time/clips_per_second": values.get("clips_per_second"),
        "time/data_share": values.get("data_seconds", 0.0) / values["seconds"] if values.get("seconds") else None,
        "time/memory_gib": values["memory_bytes"] / 2**30 if "memory_bytes" in values else None,
    }
    return {name: value for name, value in told.items() if value is not None}


class Place:
    """Where a run is in a service: kept in `tracking/SERVICE.json` of the run folder, so that a resume finds it.

    Args:
        folder: Of the run.
        service: Its name, of the file.
    """

    def __init__(self, folder: Path, service: str) -> None:
        self._path = folder / "tracking" / f"{service}.json"

    def read(self, start_step: int) -> tuple[str, int]:
        """(the run's name in the service, the last step that it was told); ("", 0) where it is new.

        Args:
            start_step: From which the run goes on. Steps after it are told anew: they are taken again.
        """
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            return str(found["run"]), min(int(found["step"]), start_step)
        except FileNotFoundError:
            return "", 0
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"{self._path}: cannot be read: {error}; remove it to begin a new run there") from error

    def write(self, run: str, step: int) -> None:
        """Keep it."""
        self._path.parent.mkdir(exist_ok=True)
        with written_whole(self._path) as partial:
            partial.write_text(json.dumps({"run": run, "step": step}) + "\n", encoding="utf-8")


def configuration(run: RunInfo) -> dict[str, Any]:
    """The experiment as `dotted key -> plain value`; arrays as text, which every service can show."""
    return dict(_flat(to_table(run.experiment)))


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", json.dumps(value) if isinstance(value, list) else value
