from __future__ import annotations

import io
import logging
import re
from pathlib import Path

import pytest
from rich.console import Console

from vidcore.config import Experiment
from vidcore.engine.events import Events, RunInfo
from vidcore.engine.runner import RunResult
from vidcore_watching.config import Terminal
from vidcore_watching.terminal import LiveTerminal


@pytest.fixture
def shown() -> io.StringIO:
    return io.StringIO()


def test_a_run_is_told_in_lines_where_there_is_no_terminal(
    shown: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("vidcore_watching.terminal.time.monotonic", lambda: now)
    terminal = LiveTerminal(Terminal(plain_every=1e-9), Console(file=shown, width=20))
    run = RunInfo(
        name="tennis",
        folder=tmp_path,
        experiment=Experiment(task=None, model=None),
        start_step=3,
        total_steps=20,
        steps_per_epoch=10,
        clips_per_step=8,
    )
    events = Events({"terminal": terminal})
    events.send("run_started", run=run)
    values = {"loss": 0.5, "lr": 0.1, "seconds": 2.0, "data_seconds": 0.5}
    now += 60.0  # workers start
    events.send("step_finished", run=run, step=4, epoch=1, values=values)
    now += 4.0  # two of them measuring
    events.send("step_finished", run=run, step=5, epoch=1, values=values)
    metrics = {"top1": 0.75}
    events.send("evaluation_finished", run=run, split="val", step=10, epoch=1, metrics=metrics, predictions=tmp_path)
    events.send("run_stopped", run=run, step=10, reason="Ctrl-C")
    terminal.close()
    began, first, step, measured = shown.getvalue().splitlines()
    assert began.startswith("tennis goes on after step 3: 20 steps, 10 an epoch, 8 clips each;")
    assert re.search(r" GiB$", first)  # of one step nobody knows
    assert step.startswith("step 5/20  epoch 1/10  loss 0.500  lr 0.1  4 clips/s  data 25% · step 75%")
    assert re.search(r" GiB  0:01:00 left$", step)
    assert measured.split() == ["epoch", "1/10", "val", "top1", "0.7500"]
    assert events.failures == {}


def test_warnings_are_shown_as_they_come_but_for_those_of_the_end(shown: io.StringIO) -> None:
    terminal = LiveTerminal(Terminal(), Console(file=shown, width=20))
    assert terminal.accepts(Experiment(task=None, model=None))
    logging.getLogger("vidcore.mine").warning("3 rows of [a.csv] are left out, which is a line longer than 20")
    logging.getLogger("vidcore.mine").info("read")
    logging.getLogger("vidcore.engine.runner").warning("a note")
    terminal.close()
    logging.getLogger("vidcore.mine").warning("later")
    assert shown.getvalue() == "warning: 3 rows of [a.csv] are left out, which is a line longer than 20\n"


def test_the_end_has_figures_remarks_and_what_to_type_next(shown: io.StringIO, tmp_path: Path) -> None:
    result = RunResult(
        folder=tmp_path / "tennis",
        state="trained",
        metrics={"top1": 0.5},
        split="test",
        best=0.75,
        best_metric="top1",
        best_step=10,
        steps=20,
        epochs=2,
        bad_steps=0,
        remarks=["one video could not be read"],
    )
    LiveTerminal(Terminal(), Console(file=shown, width=200)).show(result)
    text = shown.getvalue()
    for part in ("tennis: trained", "0.5000", "best top1", "data.val, step 10", "note: one video could not be read"):
        assert part in text
    assert f"vidcore predict VIDEO.mp4 --run {tmp_path / 'tennis'}" in text
