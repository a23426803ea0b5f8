"""Callbacks: told what they ask for, named when they fail, and in charge only when they say so."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from vidcore_engine_toy import config as toy_config
from vidcore_engine_toy.parts import ToyBrake, ToyWatcher

from vidcore.engine.events import Events, RunEvents, StopTraining
from vidcore.errors import ConfigError, RunError
from vidcore.plugins import hookimpl


def test_each_callback_hears_what_it_asks_for() -> None:
    first, second = ToyWatcher(toy_config.ToyWatcher()), ToyWatcher(toy_config.ToyWatcher())
    events = Events({"first": first, "second": second})
    events.send("epoch_started", run=None, epoch=1)
    events.send("run_finished", run=None, metrics={})
    assert first.heard == second.heard == ["epoch_started", "run_finished"]


def test_one_that_fails_is_named_once_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    broken = ToyWatcher(toy_config.ToyWatcher(fail_at="epoch_started"))
    other = ToyWatcher(toy_config.ToyWatcher())
    events = Events({"broken": broken, "other": other})
    for epoch in (1, 2):
        events.send("epoch_started", run=None, epoch=epoch)
    assert other.heard == ["epoch_started"] * 2
    assert events.failures == {"broken": 2}
    assert caplog.text.count("callback 'broken' failed at epoch_started: OSError: the toy watcher broke") == 1


def test_one_that_wants_to_leave_python_has_failed_like_any_other(caplog: pytest.LogCaptureFixture) -> None:
    class Leaver:
        @hookimpl
        def epoch_started(self) -> None:
            sys.exit("no more room on my side")

    class Boss(Leaver):
        may_stop_run = True

    events = Events({"leaver": Leaver()})
    events.send("epoch_started", run=None, epoch=1)
    assert events.failures == {"leaver": 1}
    assert "callback 'leaver' failed at epoch_started: SystemExit: no more room" in caplog.text
    with pytest.raises(RunError, match="callback 'boss' failed at epoch_started: SystemExit: no more room"):
        Events({"boss": Boss()}).send("epoch_started", run=None, epoch=1)
    assert "the run ends" in caplog.text


def test_what_one_does_to_the_values_is_nobody_elses_business() -> None:
    class Greedy:
        @hookimpl
        def run_finished(self, metrics: dict[str, float]) -> None:
            metrics.clear()

    class Reader:
        @hookimpl
        def run_finished(self, metrics: dict[str, float]) -> None:
            self.metrics = metrics

    reader, found = Reader(), {"top1": 0.5}
    Events({"greedy": Greedy(), "reader": reader}).send("run_finished", run=None, metrics=found)
    assert found == reader.metrics == {"top1": 0.5}


def test_one_that_may_stop_the_run_does_so() -> None:
    values: dict[str, Any] = {"run": None, "split": "val", "step": 1, "metrics": {}, "predictions": Path()}
    events = Events({"brake": ToyBrake(toy_config.ToyBrake(after_epoch=2))})
    events.send("evaluation_finished", epoch=1, **values)
    assert events.stop_reason == ""
    events.send("evaluation_finished", epoch=2, **values)
    assert events.stop_reason == "callback 'brake': good enough"
    with pytest.raises(
        RunError, match=r"callback 'brake' failed at evaluation_finished: ValueError: the toy brake broke"
    ):
        Events({"brake": ToyBrake(toy_config.ToyBrake(fail=True))}).send("evaluation_finished", epoch=1, **values)


def test_one_that_may_not_stop_the_run_is_told_so(caplog: pytest.LogCaptureFixture) -> None:
    class Meddler:
        @hookimpl
        def epoch_started(self) -> None:
            raise StopTraining("I am bored")

    events = Events({"meddler": Meddler()})
    events.send("epoch_started", run=None, epoch=1)
    assert events.stop_reason == ""
    assert "callback 'meddler' wants to stop training (I am bored), but does not say" in caplog.text


def test_a_misspelt_event_is_an_error_that_names_the_callback() -> None:
    class Misspelt:
        @hookimpl
        def epoch_strated(self) -> None: ...

    class WrongArgument:
        @hookimpl
        def epoch_started(self, epoche: int) -> None: ...

    class Deaf: ...

    class Wrapper:
        @hookimpl(wrapper=True)
        def epoch_started(self) -> Any:
            yield

    class Asynchronous:
        @hookimpl
        async def epoch_started(self) -> None: ...

    for one in (Wrapper(), Asynchronous()):  # would be called, and never run
        with pytest.raises(ConfigError, match=r"callbacks.mine: epoch_started must be plain: no `yield`, no async"):
            Events({"mine": one})
    with pytest.raises(ConfigError, match=r"(?s)callbacks.mine: .*epoch_strated"):
        Events({"mine": Misspelt()})
    with pytest.raises(ConfigError, match=r"(?s)callbacks.mine: .*epoche"):
        Events({"mine": WrongArgument()})
    with pytest.raises(ConfigError, match=r"callbacks.mine: Deaf listens to no event of a run"):
        Events({"mine": Deaf()})


def test_a_slow_one_is_named() -> None:
    events = Events({"watcher": ToyWatcher(toy_config.ToyWatcher())})
    events.seconds["watcher"] = 30.0
    assert events.slow(total_seconds=100.0) == ["callback 'watcher' took 30.0 s, 30% of the run"]
    assert events.slow(total_seconds=10_000.0) == []


def test_every_event_is_documented() -> None:
    names = [name for name in vars(RunEvents) if not name.startswith("_")]
    assert len(names) >= 9
    assert all(getattr(RunEvents, name).__doc__ for name in names)
