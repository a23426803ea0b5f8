from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from vidcore.testing import check_plugin
from vidcore_wandb import plugin

# in processes of their own, as the attempts of a run are: wandb's writer ends with the process
BEGIN = """
import sys
from pathlib import Path
from vidcore_watching.made_runs import MadeRun
from vidcore_wandb.config import Wandb

run = MadeRun(Path(sys.argv[1]), Wandb(mode="offline", project="courts", group="sweep", tags=("a",)))
"""
FIRST = "run.begin(); run.step(10, 2.0); run.evaluate(10, 0.25); run.save(10); run.step(20, 9.125); run.stop(20)\n"
SECOND = "run.begin(10); run.step(20, 1.5); run.finish(top1=0.5)\n"
END = "assert not run.events.failures"


def attempt(folder: Path, script: str) -> None:
    environment = {**os.environ, "WANDB_ERROR_REPORTING": "false", "WANDB_CACHE_DIR": str(folder.parent / "cache")}
    subprocess.run([sys.executable, "-c", BEGIN + script + END, str(folder)], env=environment, check=True, timeout=120)


def test_plugin_keeps_the_contract() -> None:
    check_plugin(plugin)


def test_an_offline_run_holds_the_curves_and_a_resume_continues_it(tmp_path: Path) -> None:
    folder = tmp_path / "tennis"
    attempt(folder, FIRST)
    attempt(folder, SECOND)
    first, second = sorted((folder / "wandb").glob("offline-run-*/*.wandb"))
    assert first.name == second.name  # the run's id
    written, again = first.read_bytes(), second.read_bytes()
    for text in (b"courts", b"sweep", b"tennis", b"engine.epochs", b"train/loss", b"val/top1", b"time/data_share"):
        assert text in written
    assert b"train/loss" in again
    assert b"val/top1" not in again  # told before
    assert b"final/top1" in again
    assert b"9.125" in written
    assert b"9.125" not in again
