"""The run folder: whose it is, what it holds, what may differ when a run goes on."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vidcore.engine.journal import Journal, cut, read_journal
from vidcore.engine.run_folder import LogFile, RunFolder, RunLock, Standing, set_aside, table_differences
from vidcore.errors import ConfigError, RunError

TABLE: dict[str, Any] = {
    "name": "x",
    "seed": 0,
    "data": {"root": "/a", "workers": 0},
    "optimizer": {"type": "sgd", "lr": 0.1},
    "engine": {"epochs": 10, "checkpoint": {"keep": 2, "best": ""}},
}


def changed(**dotted: Any) -> dict[str, Any]:
    table = json.loads(json.dumps(TABLE))
    for key, value in dotted.items():
        *path, last = key.split("__")
        inner = table
        for name in path:
            inner = inner[name]
        inner[last] = value
    return table


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "runs" / "x")
    folder.path.mkdir(parents=True)
    folder.write_experiment(TABLE)
    folder.metrics.write_text('{"step": 10}\n')
    return folder


def test_a_mistake_that_was_told_before_anything_came_of_it_can_be_mended(folder: RunFolder) -> None:
    folder.metrics.write_text("")
    assert folder.standing(changed(optimizer__lr=0.2)) == (Standing.NEW, [])
    (folder.checkpoints / "step-00000010").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"optimizer.lr: was 0.1, is 0.2"):
        folder.standing(changed(optimizer__lr=0.2))


def test_an_empty_folder_is_new(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    (tmp_path / "log.txt").touch()
    RunFolder(tmp_path).refuse_foreign()
    assert RunFolder(tmp_path).standing(TABLE) == (Standing.NEW, [])


def test_a_folder_of_something_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RunError, match=r"holds 'thesis.tex' and is no run folder; choose another --name"):
        RunFolder(tmp_path).refuse_foreign()


def test_the_same_experiment_goes_on(folder: RunFolder) -> None:
    assert folder.standing(TABLE) == (Standing.UNFINISHED, [])


def test_another_experiment_is_refused_with_each_difference(folder: RunFolder) -> None:
    with pytest.raises(ConfigError) as caught:
        folder.standing(changed(optimizer__lr=0.2, seed=1, engine__ema={"decay": 0.9}))
    text = str(caught.value)
    assert "optimizer.lr: was 0.1, is 0.2" in text
    assert "seed: was 0, is 1" in text
    assert 'engine.ema: was absent, is {"decay": 0.9}' in text
    assert "--fresh" in text


def test_what_changes_no_value_may_differ_and_is_said(folder: RunFolder) -> None:
    table = changed(data__workers=2, data__root="/b", engine__checkpoint__keep=5)
    standing, remarks = folder.standing(table)
    assert standing is Standing.UNFINISHED
    assert remarks == [
        'data.root: was "/a", is "/b"',
        "data.workers: was 0, is 2",
        "engine.checkpoint.keep: was 2, is 5",
    ]


def test_more_epochs_extend_a_run_and_fewer_are_refused(folder: RunFolder) -> None:
    folder.write_json(folder.result, {"epochs": 10})
    assert folder.standing(TABLE)[0] is Standing.FINISHED
    standing, remarks = folder.standing(changed(engine__epochs=12))
    assert standing is Standing.UNFINISHED
    assert remarks == ["extended: engine.epochs was 10, is 12; the schedule is that of 12"]
    with pytest.raises(ConfigError, match=r"engine.epochs: was 10, is 8"):
        folder.standing(changed(engine__epochs=8))


def test_differences_are_found_at_any_depth() -> None:
    assert list(table_differences({"a": {"b": 1, "c": [1]}}, {"a": {"b": 2, "c": [1]}, "d": 3})) == [
        ("a.b", 1, 2),
        ("d", None, 3),
    ]


def test_fresh_keeps_the_old_folder_under_another_name(folder: RunFolder) -> None:
    assert set_aside(folder.path) == folder.path.with_name("x-old-1")
    folder.path.mkdir()
    folder.write_experiment(TABLE)
    assert set_aside(folder.path) == folder.path.with_name("x-old-2")
    assert set_aside(folder.path) is None
    assert (folder.path.with_name("x-old-1") / "experiment.toml").exists()


def test_a_folder_is_one_processes_at_a_time(folder: RunFolder) -> None:
    script = (
        "import sys, pathlib\nfrom vidcore.engine.run_folder import RunLock\nfrom vidcore.errors import RunError\n"
        "try:\n    RunLock(pathlib.Path(sys.argv[1])).__enter__()\n    print('taken')\n"
        "except RunError as error:\n    print(error)"
    )

    def other() -> str:
        return subprocess.run(
            [sys.executable, "-c", script, folder.path], capture_output=True, text=True, check=True
        ).stdout

    with RunLock(folder.path):
        told = other()
        with pytest.raises(RunError, match="in use by this process already"):
            RunLock(folder.path).__enter__()
    assert "is in use by another process (process " in told
    assert other() == "taken\n"


def test_a_lock_is_not_inherited_by_workers_that_outlive_the_run(folder: RunFolder) -> None:
    script = (
        "import os, pathlib, sys, time\nfrom vidcore.engine.run_folder import RunLock\n"
        "RunLock(pathlib.Path(sys.argv[1])).__enter__()\n"
        "if os.fork() == 0:\n    sys.stdout.close(); os.close(1); os.close(2); time.sleep(20); os._exit(0)\n"
        "print('locked', flush=True)\nos.kill(os.getpid(), 9)"
    )
    process = subprocess.run(
        [sys.executable, "-c", script, folder.path], stdout=subprocess.PIPE, text=True, check=False
    )
    assert process.stdout == "locked\n"
    with RunLock(folder.path):
        pass


def test_what_vidcore_logs_goes_to_the_file_while_it_is_open(tmp_path: Path) -> None:
    with LogFile(tmp_path / "log.txt"):
        logging.getLogger("vidcore.data").info("a video was replaced")
    logging.getLogger("vidcore.data").info("not this")
    text = (tmp_path / "log.txt").read_text()
    assert text.endswith("INFO    a video was replaced\n")


def test_lines_are_cut_at_the_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    journal = Journal(path)
    journal.append({"step": 1})
    offset = journal.offset()
    journal.append({"step": 2})
    journal.close()
    assert cut(path, offset) == ""
    assert list(read_journal(path)) == [{"step": 1}]
    assert "lines are missing" in cut(path, offset + 1)


def test_a_line_cut_short_by_a_kill_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "timings.jsonl"
    path.write_bytes(b'{"step": 1}\n{"step": 2, "sec')
    journal = Journal(path)
    journal.append({"step": 3})
    journal.close()
    assert list(read_journal(path)) == [{"step": 1}, {"step": 3}]
