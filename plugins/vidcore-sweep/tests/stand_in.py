"""Stands in for `vidcore run`, in a tenth of a second: does what the trial's values ask for, in a real run folder.

lr 0.5: fails. lr 0.9: fails once. lr 0.7: an evaluation every tenth of a second until it is told to stop.
Otherwise it reaches top1 = lr.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from itertools import pairwise
from pathlib import Path

from vidcore.config.loading import load
from vidcore.config.tables import to_table, write
from vidcore.engine.run_folder import RunLock

arguments = sys.argv[sys.argv.index("run") + 1 :]
sets = [value for key, value in pairwise(arguments) if key == "--set"]
options = {key: value for key, value in pairwise(arguments) if key.startswith("--")}
experiment = load(arguments[0], sets=sets).experiment
folder = Path(options["--runs"]) / options["--name"]
lr = experiment.optimizer.lr


def evaluate(epoch: int, top1: float) -> None:
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 10 * epoch, "epoch": epoch, "split": "val", "top1": top1}) + "\n")


def log(text: str) -> None:
    with (folder / "log.txt").open("a") as file:
        file.write(f"2026-01-02 03:04:05,006 {text}\n")


with RunLock(folder):
    log("INFO    x: begins after step 0 of 10, on cpu in fp32")
    write(folder / "experiment.toml", to_table(experiment))
    if lr == 0.5 or (lr == 0.9 and not (folder / "tried").exists()):
        (folder / "tried").touch()
        log("ERROR   the run ends after step 3: no room on the disk")
        sys.exit(1)
    if lr == 0.7:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        for epoch in range(1, 300):
            evaluate(epoch, 0.01 * epoch)
            time.sleep(0.1)
    evaluate(1, lr)
    result = {"epochs": experiment.engine.epochs, "steps": 10, "best": lr, "best_metric": "top1", "best_step": 10}
    (folder / "result.json").write_text(json.dumps({**result, "metrics": {"top1": lr}, "ended_early": ""}))
