"""What a run folder says of a run, read for drawing.

The files are the core's (`vidcore.engine.run_folder` lists them); a run that is still going, or was stopped, is read as
far as it has come.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import frozen

from vidcore.engine.journal import read_journal
from vidcore.engine.predictions import Predictions, read_predictions
from vidcore.engine.run_folder import RunFolder
from vidcore.errors import RunError

PLACE = ("step", "epoch", "split")  # keys of a row that are no values
Row = Mapping[str, Any]


@frozen(kw_only=True, eq=False)
class RunRecord:
    """A run, as far as it has come."""

    folder: Path
    experiment_text: str  # TOML, resolved
    experiment: Mapping[str, Any]
    environment: Mapping[str, Any]
    training: tuple[Row, ...]  # rows of metrics.jsonl of split "train"
    evaluations: tuple[Row, ...]  # the others
    seconds: float  # spent in training, 0 where it is not known
    finished: bool

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def steps_per_epoch(self) -> float | None:
        """None before the first evaluation or the first whole epoch."""
        for row in self.evaluations:
            if row.get("epoch"):
                return float(row["step"]) / float(row["epoch"])
        closed = [
            now for now, later in zip(self.training, self.training[1:], strict=False) if later["epoch"] > now["epoch"]
        ]
        return float(closed[0]["step"]) / float(closed[0]["epoch"]) if closed else None

    def splits(self) -> list[str]:
        """Splits that have a file of predictions, those at the end of training first."""
        found = sorted(path.stem for path in (self.folder / "predictions").glob("*.jsonl"))
        return [name for name in ("test", "val") if name in found] + [n for n in found if n not in ("test", "val")]

    def predictions(self, split: str = "") -> Predictions:
        """What the model said of a split; of the one that closed the run where none is named.

        Raises:
            RunError: The run has no predictions, or not of this split.
        """
        known = self.splits()
        if not known:
            raise RunError(f"{self.folder} has no predictions yet; they are written at each evaluation")
        if split and split not in known:
            raise RunError(f"{self.folder} has no predictions of split {split!r}; there are: {', '.join(known)}")
        return read_predictions(RunFolder(self.folder).predictions(split or known[0]))


def read_run(folder: Path) -> RunRecord:
    """Read a run folder.

    Raises:
        RunError: It is none, or its experiment cannot be read.
    """
    files = RunFolder(folder)
    try:
        text = files.experiment.read_text(encoding="utf-8")
        experiment = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise RunError(f"{folder} is no run folder: {files.experiment.name} cannot be read: {error}") from error
    rows = list(read_journal(files.metrics))
    return RunRecord(
        folder=folder,
        experiment_text=text,
        experiment=experiment,
        environment=_read_json(files.environment),
        training=tuple(row for row in rows if row.get("split") == "train"),
        evaluations=tuple(row for row in rows if row.get("split") != "train"),
        seconds=sum(float(row.get("seconds", 0.0)) for row in read_journal(files.timings)),
        finished=files.result.exists(),
    )


def values_of(row: Row) -> dict[str, float]:
    """The figures of a row of metrics.jsonl."""
    return {name: float(value) for name, value in row.items() if name not in PLACE and isinstance(value, int | float)}


def is_fraction(values: Sequence[float]) -> bool:
    """Whether figures may be shown as percentages."""
    return all(0.0 <= value <= 1.0 for value in values)


@frozen(kw_only=True, eq=False)
class Answer:
    """What the model said of one video that has one label."""

    path: str  # "" where the data set does not say
    label: int
    scores: np.ndarray[Any, np.dtype[np.float32]]  # [K]

    @property
    def predicted(self) -> int:
        return int(self.scores.argmax())

    @property
    def right(self) -> bool:
        return self.predicted == self.label

    @property
    def confidence(self) -> float:
        return float(self.scores[self.predicted])


def answers(predictions: Predictions) -> list[Answer]:
    """Predictions of samples with one label each; other tasks' and unlabelled ones are left out."""
    found = []
    for prediction, target in predictions.samples:
        scores, label = prediction.outputs.get("scores"), target.get("label")
        if label is None or not isinstance(scores, torch.Tensor):
            continue
        scores = scores.mean(dim=0) if scores.ndim == 2 else scores  # views that were kept apart
        path = str(prediction.meta.get("path", ""))
        found.append(Answer(path=path, label=int(label), scores=scores.float().numpy()))
    return found


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
