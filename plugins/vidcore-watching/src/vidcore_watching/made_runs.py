"""A run that is made by hand, for the tests of trackers: fast, and killed where a test wants it."""

from __future__ import annotations

import json
from pathlib import Path

from vidcore.config import Experiment
from vidcore.engine.events import Events, RunInfo
from vidcore.plugins import build


class MadeRun:
    """A run that takes steps of ten: writes its journals as the engine does, and tells its callbacks."""

    def __init__(self, folder: Path, callback: object) -> None:
        """In a folder, with the config of the callback that is tested."""
        self.folder, self.callback = folder, callback
        folder.mkdir(exist_ok=True)

    def begin(self, start_step: int = 0) -> None:
        """Or go on: metrics.jsonl is cut to the checkpoint, timings.jsonl is not."""
        metrics = self.folder / "metrics.jsonl"
        if metrics.exists():
            kept = [line for line in metrics.read_text().splitlines(True) if json.loads(line)["step"] <= start_step]
            metrics.write_text("".join(kept))
        self.info = RunInfo(
            name="tennis",
            folder=self.folder,
            experiment=Experiment(task=None, model=None),
            start_step=start_step,
            total_steps=100,
            steps_per_epoch=10,
            clips_per_step=8,
        )
        self.events = Events({"tracker": build(self.callback)})
        self.events.send("run_started", run=self.info)

    def step(self, step: int, loss: float) -> None:
        """Take the steps up to this one."""
        self.write("metrics", {"step": step, "epoch": step // 10, "split": "train", "loss": loss})
        times = {"seconds": 2.0, "data_seconds": 0.5, "clips_per_second": 40.0, "memory_bytes": 2**30}
        self.write("timings", {"step": step, "epoch": step // 10, "split": "train", **times})
        self.events.send("step_finished", run=self.info, step=step, epoch=step // 10, values={})

    def evaluate(self, step: int, top1: float) -> None:
        """Measure the model on data.val."""
        self.write("metrics", {"step": step, "epoch": step // 10, "split": "val", "top1": top1})
        values = {"step": step, "epoch": step // 10, "metrics": {}, "predictions": self.folder}
        self.events.send("evaluation_finished", run=self.info, split="val", **values)

    def save(self, step: int) -> None:
        """Save a checkpoint."""
        self.events.send("checkpoint_saved", run=self.info, step=step, path=self.folder)

    def finish(self, **figures: float) -> None:
        """Be done."""
        self.events.send("run_finished", run=self.info, metrics=figures)

    def stop(self, step: int) -> None:
        """Leave on a signal."""
        self.events.send("run_stopped", run=self.info, step=step, reason="Ctrl-C")

    def write(self, journal: str, row: dict[str, object]) -> None:
        """Append a row to "metrics" or "timings"."""
        with (self.folder / f"{journal}.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")
