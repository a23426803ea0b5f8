from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vidcore.testing import check_plugin
from vidcore_trackio import plugin

# in processes of their own, as the attempts of a run are, and for the folder of data that is chosen at import
BEGIN = """
import json, sys
from pathlib import Path
from vidcore_watching.made_runs import MadeRun
from vidcore_trackio.config import Trackio

run = MadeRun(Path(sys.argv[1]), Trackio(project="courts"))
"""
FIRST = "run.begin(); run.step(10, 2.0); run.evaluate(10, 0.25); run.save(10); run.stop(10)\n"
SECOND = "run.begin(10); run.step(20, 1.5); run.finish(top1=0.5)\n"
KILLED = "import os; run.begin(); run.step(10, 2.0); run.save(10); os.kill(os.getpid(), 9)\n"
END = "assert not run.events.failures"
READ = """
import json
from trackio.sqlite_storage import SQLiteStorage
print(json.dumps({name: SQLiteStorage.get_logs("courts", name) for name in SQLiteStorage.get_runs("courts")}))
"""


def stored(folder: Path) -> dict[str, list[dict[str, Any]]]:
    return dict(json.loads(attempt(folder, READ).splitlines()[-1]))


def attempt(folder: Path, script: str) -> str:
    environment = {**os.environ, "TRACKIO_DIR": str(folder.parent / "data"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", script, str(folder)]
    done = subprocess.run(command, env=environment, check=True, timeout=120, capture_output=True, text=True)
    return done.stdout


def test_plugin_keeps_the_contract() -> None:
    check_plugin(plugin)


def test_curves_are_stored_and_a_resume_continues_the_same_run(tmp_path: Path) -> None:
    folder = tmp_path / "tennis"
    assert "finished" not in attempt(folder, BEGIN + FIRST + END)  # trackio's greetings are its own
    attempt(folder, BEGIN + SECOND + END)
    ((name, rows),) = stored(folder).items()
    assert name.startswith("tennis-")
    assert [(row["step"], row["train/loss"]) for row in rows if "train/loss" in row] == [(10, 2.0), (20, 1.5)]
    assert [(row["step"], row["val/top1"]) for row in rows if "val/top1" in row] == [(10, 0.25)]
    assert rows[0]["time/clips_per_second"] == 40.0


def test_a_kill_loses_nothing_of_what_a_checkpoint_follows(tmp_path: Path) -> None:
    folder = tmp_path / "tennis"
    with pytest.raises(subprocess.CalledProcessError):
        attempt(folder, BEGIN + KILLED)
    attempt(folder, BEGIN + SECOND + END)
    ((_, rows),) = stored(folder).items()
    assert [(row["step"], row["train/loss"]) for row in rows if "train/loss" in row] == [(10, 2.0), (20, 1.5)]
