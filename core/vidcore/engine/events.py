"""What callbacks hear of a run: hooks of a plugin manager that lives as long as the run.

A callback is a component of kind `callback`, named in the experiment under `[callbacks.NAME]`: installed never means
active. It has methods with these names, decorated with `vidcore.plugins.hookimpl`, that take those of the arguments
they want. One that fails is named and the run goes on, unless its class says `may_stop_run = True`: then its error ends
the run, and it may end training early by raising `StopTraining("why")`. KeyboardInterrupt is a person's, and passes.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pluggy
from attrs import frozen

from vidcore.config.experiment import Experiment
from vidcore.errors import ConfigError, RunError
from vidcore.plugins.hookspecs import PROJECT

log = logging.getLogger(__name__)
hookspec = pluggy.HookspecMarker(PROJECT)


class StopTraining(Exception):  # noqa: N818 - it is no error
    """Raised by a callback that may stop the run: training ends with this epoch, as if it had been the last."""


@frozen(kw_only=True, eq=False)
class RunInfo:
    """What a callback may know of the run that it watches."""

    name: str
    folder: Path
    experiment: Experiment
    start_step: int  # above 0 when the run goes on
    total_steps: int
    steps_per_epoch: int
    clips_per_step: int


class RunEvents:
    """The hooks. Steps count from 1 here: `step` is the number of steps done; `epoch` is the one that is running."""

    @hookspec
    def stage_started(self, stage: str, type: str, folder: Path) -> None:
        """One of the stages of a file is about to begin, or to go on; its run, if it has one, is told within."""

    @hookspec
    def stage_finished(self, stage: str, type: str, folder: Path) -> None:
        """A stage is done; `folder` holds what it wrote."""

    @hookspec
    def run_started(self, run: RunInfo) -> None:
        """Training is about to begin, or to go on."""

    @hookspec
    def epoch_started(self, run: RunInfo, epoch: int) -> None:
        """The first step of an epoch, counted from 1, is about to be taken."""

    @hookspec
    def step_finished(self, run: RunInfo, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """A step was taken: its loss and parts, lr, and times in seconds."""

    @hookspec
    def evaluation_started(self, run: RunInfo, split: str, num_samples: int) -> None:
        """The model is about to be measured."""

    @hookspec
    def evaluation_progressed(self, run: RunInfo, split: str, done: int, num_samples: int) -> None:
        """Some more samples were measured."""

    @hookspec
    def evaluation_finished(
        self, run: RunInfo, split: str, step: int, epoch: int, metrics: Mapping[str, float], predictions: Path
    ) -> None:
        """The model was measured; `predictions` is the file of what it said."""

    @hookspec
    def epoch_finished(self, run: RunInfo, epoch: int) -> None:
        """The last step of an epoch was taken, and the model measured if it was time; it may be saved next."""

    @hookspec
    def checkpoint_saved(self, run: RunInfo, step: int, path: Path) -> None:
        """A checkpoint is on the disk."""

    @hookspec
    def run_finished(self, run: RunInfo, metrics: Mapping[str, float]) -> None:
        """Training and the last evaluation are done."""

    @hookspec
    def run_stopped(self, run: RunInfo, step: int, reason: str) -> None:
        """The run ends before it is done, by a signal or an error; it can be continued."""


class Events:
    """Calls the callbacks of a run, one by one, and keeps an eye on them."""

    def __init__(self, callbacks: Mapping[str, object]) -> None:
        """Register callbacks by their name in the experiment.

        Raises:
            ConfigError: A callback implements no hook, or one that does not exist or with other arguments.
        """
        self.stop_reason = ""  # why a callback wants training to end
        self.failures: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(RunEvents)
        for name, callback in callbacks.items():
            try:
                self._manager.register(callback, name)
                self._manager.check_pending()
            except pluggy.PluginValidationError as error:
                raise ConfigError(f"callbacks.{name}: {error}") from error
            if not (callers := self._manager.get_hookcallers(callback)):
                raise ConfigError(f"callbacks.{name}: {type(callback).__name__} listens to no event of a run")
            for function in (listener.function for caller in callers for listener in caller.get_hookimpls()):
                if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
                    raise ConfigError(f"callbacks.{name}: {function.__name__} must be plain: no `yield`, no async")

    def send(self, event: str, **values: Any) -> None:
        """Tell every callback that listens.

        Raises:
            RunError: One that may stop the run failed.
        """
        for listener in reversed(getattr(self._manager.hook, event).get_hookimpls()):
            name = listener.plugin_name
            started = time.perf_counter()
            given = [values[argument] for argument in listener.argnames]
            try:
                listener.function(*(dict(value) if isinstance(value, dict) else value for value in given))
            except StopTraining as stop:
                self._stop(name, listener.plugin, str(stop))
            except (Exception, SystemExit) as error:  # a watcher may fail in any way; the run is not its property
                self._fail(name, listener.plugin, event, error)
            finally:
                self.seconds[name] += time.perf_counter() - started

    def slow(self, total_seconds: float, share: float = 0.05) -> list[str]:
        """Names of callbacks that took more than a share of the run, with what they took."""
        return [
            f"callback {name!r} took {seconds:.1f} s, {seconds / total_seconds:.0%} of the run"
            for name, seconds in self.seconds.items()
            if total_seconds > 0 and seconds > max(share * total_seconds, 1.0)
        ]

    def _stop(self, name: str, callback: object, reason: str) -> None:
        if getattr(callback, "may_stop_run", False):
            self.stop_reason = f"callback {name!r}: {reason}"
        else:
            log.warning("callback %r wants to stop training (%s), but does not say `may_stop_run = True`", name, reason)

    def _fail(self, name: str, callback: object, event: str, error: BaseException) -> None:
        ends, text = getattr(callback, "may_stop_run", False), f"failed at {event}: {type(error).__name__}: {error}"
        self.failures[name] += 1
        if self.failures[name] == 1:
            log.warning("callback %r %s; the run %s", name, text, "ends" if ends else "goes on", exc_info=error)
        if ends:
            raise RunError(f"callback {name!r} {text}") from error
