"""What a run folder says of a run: read without torch, so that a hundred folders are listed at once.

The files are the core's (`vidcore.engine.run_folder` lists them). A run that is going, or was cut short, is read as far
as it has come.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from attrs import define

from vidcore.engine.journal import read_journal
from vidcore.engine.run_folder import RunFolder
from vidcore.errors import RunError
from vidcore.wording import nearest
from vidcore_runs.ending import Ending, read_ending

PLACE = ("step", "epoch", "split")  # keys of a row of metrics.jsonl that are no figures
Row = Mapping[str, Any]
_DEEPEST = 3  # folders of folders of runs; a sweep is one


@define(kw_only=True, eq=False, slots=False)
class Run:
    """A run, as far as it has come. Files are read when they are asked for."""

    folder: Path
    name: str  # relative to the folder of all runs
    experiment: Mapping[str, Any]  # the resolved table

    @cached_property
    def result(self) -> Mapping[str, Any]:
        """result.json; empty while the run is not finished."""
        return _read_json(RunFolder(self.folder).result)

    @cached_property
    def ending(self) -> Ending:
        """Where it stands, and in words how it came to that."""
        return read_ending(self.folder, self.result)

    @cached_property
    def rows(self) -> list[Row]:
        """metrics.jsonl."""
        return [row for row in read_journal(RunFolder(self.folder).metrics) if _is_row(row)]

    @cached_property
    def times(self) -> list[Row]:
        """timings.jsonl: also of steps that a kill undid, for they took their time."""
        rows = read_journal(RunFolder(self.folder).timings)
        return [row for row in rows if _is_row(row) and isinstance(row.get("seconds"), int | float)]

    @property
    def training(self) -> list[Row]:
        return [row for row in self.rows if row.get("split") == "train"]

    def evaluations(self, split: str = "") -> list[Row]:
        """Rows of evaluations, of one split where it is named."""
        return [row for row in self.rows if row.get("split") not in ("train", None) and split in ("", row["split"])]

    @property
    def epochs(self) -> int:
        """That the experiment asks for."""
        return int(self.experiment.get("engine", {}).get("epochs", 0))

    @property
    def epoch(self) -> int:
        """The last one that has left a line."""
        return max((int(row.get("epoch", 0)) for row in self.rows), default=0)

    @property
    def seconds(self) -> float:
        """Spent training and measuring, over all attempts."""
        return sum(float(row.get("seconds", 0.0)) for row in self.times)

    @property
    def seed(self) -> int:
        return int(self.experiment.get("seed", 0))

    @property
    def last_written(self) -> float:
        """Seconds since 1970."""
        files = RunFolder(self.folder)
        return max((path.stat().st_mtime for path in (files.log, files.metrics) if path.exists()), default=0.0)

    @property
    def steps_per_epoch(self) -> float | None:
        """None before the first epoch is over."""
        row = next((row for row in self.evaluations() if row.get("epoch")), None)
        return float(row["step"]) / float(row["epoch"]) if row else None

    @cached_property
    def best(self) -> Best | None:
        """The best value of the figure that picks weights/best.safetensors; None before the first evaluation."""
        recorded = self.result or self._progress
        name = str(recorded.get("best_metric") or self.experiment.get("engine", {}).get("checkpoint", {}).get("best"))
        points = [(int(row["step"]), figures_of(row)) for row in self.evaluations("val")]
        if not name or name == "None":
            name = next((figure for _, figures in points for figure in figures), "")
        curve = [(step, figures[name]) for step, figures in points if name in figures]
        if not curve:
            return None
        known, at = recorded.get("best"), recorded.get("best_step")
        at = at if isinstance(at, int) else 0
        seen = [value for step, value in curve if step <= at]
        lower = known is not None and bool(seen) and known == min(seen) < max(seen)  # what the run took for better
        step, value = (min if lower else max)(curve, key=lambda point: point[1])
        return Best(metric=name, value=value, step=step, lower=lower)

    @property
    def _progress(self) -> Mapping[str, Any]:
        """What the newest checkpoint says of the way so far."""
        states = sorted(RunFolder(self.folder).checkpoints.glob("step-*[0-9]/state.json"))
        found = _read_json(states[-1]).get("progress", {}) if states else {}
        return found if isinstance(found, dict) else {}


@define(frozen=True)
class Best:
    """A figure at its best."""

    metric: str
    value: float
    step: int
    lower: bool  # whether less is better


def read_run(folder: Path, name: str = "") -> Run:
    """Open a run folder.

    Raises:
        RunError: It is none, or its experiment cannot be read.
    """
    experiment = RunFolder(folder).read_experiment()
    engine, seed = experiment.get("engine", {}), experiment.get("seed", 0)
    if not (isinstance(engine, dict) and isinstance(engine.get("epochs", 0), int) and isinstance(seed, int)):
        raise RunError(f"{RunFolder(folder).experiment}: is not what a run writes there")
    return Run(folder=folder, name=name or folder.name, experiment=experiment)


def find_run(name: str, runs: Path) -> Run:
    """The run with this folder, or of this name in the folder of all runs.

    Raises:
        RunError: There is none; names the nearest.
    """
    for folder in (Path(name), runs / name):
        if _is_run(folder):
            return read_run(folder, name)
    known = [run.name for run in find_runs(runs)] if runs.is_dir() else []
    raise RunError(f"no run {name!r} in {runs}, and no run folder of that path{nearest(name, known)}")


def find_runs(folder: Path, tell: Callable[[str], None] = lambda why: None) -> Iterator[Run]:
    """Every run below a folder, named by its path from there.

    Args:
        folder: Of runs, and of folders of runs.
        tell: Called with the reason for each that cannot be read; it is passed over.

    Raises:
        RunError: There is no such folder.
    """
    if not folder.is_dir():
        raise RunError(f"there is no folder {folder}; say where the runs are with --runs")
    known: set[Path] = set()  # a link may lead to a run that is there already, or in a circle
    for path in _run_folders(folder, _DEEPEST):
        if path.resolve() in known:
            continue
        known.add(path.resolve())
        try:
            yield read_run(path, str(path.relative_to(folder)) if path != folder else path.name)
        except RunError as error:
            tell(f"passed over: {error}")


def figures_of(row: Row) -> dict[str, float]:
    """The figures of a row of metrics.jsonl."""
    return {name: float(value) for name, value in row.items() if name not in PLACE and isinstance(value, int | float)}


def leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of every value in nested tables."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _run_folders(folder: Path, depth: int) -> Iterator[Path]:
    if _is_run(folder):
        yield folder
    elif depth:
        folders = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
        for path in sorted(folders, key=lambda path: (path.is_symlink(), path)):
            yield from _run_folders(path, depth - 1)


def _is_run(folder: Path) -> bool:
    files = RunFolder(folder)
    return files.experiment.is_file() and (files.log.exists() or files.metrics.exists())


def _is_row(row: Row) -> bool:
    """Whether the engine may have written it."""
    return all(isinstance(row.get(key), int) for key in ("step", "epoch")) and isinstance(row.get("split"), str)


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
