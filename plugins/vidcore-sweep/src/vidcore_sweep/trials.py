"""The trials of a sweep, one after the other, each a run of its own process in a folder of its own.

runs/SWEEP/
    VALUES/        a run folder for each trial, named after its values
    sweep.jsonl    what became of trials, a line each time

Killed and started again, a sweep goes on: trials whose run is finished or was stopped early are passed over, the one
that was cut short goes on from its checkpoint, failed ones are tried again.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from attrs import define, field

from vidcore.config.tables import to_table
from vidcore.engine.journal import Journal, read_journal
from vidcore.engine.run_folder import RunFolder, Standing
from vidcore.engine.stopping import RunStopped, StopSignals
from vidcore.errors import RunError, VidcoreError
from vidcore_runs.ending import State, lock_owner
from vidcore_runs.records import Run, figures_of, read_run
from vidcore_sweep.reading import Plan, experiment_of, set_options, trial_name
from vidcore_sweep.search import Curve, Outcome, Values

FINISHED, STOPPED_EARLY, FAILED = "finished", "stopped early", "failed"
_LOOK_EVERY_SECONDS = 1.0


@define(kw_only=True, eq=False)
class Trial:
    """One set of values, and what became of it."""

    number: int
    values: Values
    folder: Path
    state: str = ""  # "" before it is over
    why: str = ""  # in words, where it failed or was stopped
    run: Run | None = None  # what its folder holds

    @property
    def name(self) -> str:
        return self.folder.name

    def outcome(self) -> Outcome:
        """For the search."""
        best = self.run.best if self.run else None
        return Outcome(
            values=self.values,
            state=self.state,
            best=best.value if best else None,
            lower=bool(best and best.lower),
            curve=curve_of(self.run) if self.run else {},
        )


@define(kw_only=True, eq=False)
class Trials:
    """Runs them in order."""

    plan: Plan
    folder: Path  # of the sweep
    run_options: Sequence[str] = ()  # further ones of `vidcore run`, for every trial
    tell: Callable[[str], None] = print
    done: list[Trial] = field(factory=list)

    def run(self) -> list[Trial]:
        """Every trial, those of earlier attempts included.

        Raises:
            RunError: The folder cannot be written, or is a run itself.
            RunStopped: By Ctrl-C or SIGTERM; the trial that was going has saved.
        """
        journal = self._open()
        before = {str(row["name"]): str(row["state"]) for row in read_journal(journal.path)}
        try:
            for trial in self._proposed(journal.path):
                self._take(trial, before.get(trial.name, ""))
                if trial.state != before.get(trial.name):
                    row = {"trial": trial.number, "name": trial.name, "values": trial.values, "state": trial.state}
                    journal.append({**row, "why": trial.why})
                self.done.append(trial)
        finally:
            journal.close()
        return self.done

    def _open(self) -> Journal:
        if RunFolder(self.folder).experiment.exists():
            raise RunError(f"{self.folder} is a run folder, not that of a sweep; give the sweep another `name`")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{self.folder} cannot be made: {error}; choose another folder with --runs") from error
        return Journal(self.folder / "sweep.jsonl")

    def _proposed(self, journal: Path) -> Iterator[Trial]:
        """Trials as the search proposes them. One that learns keeps to what it has proposed before."""
        recorded = {int(row["trial"]): row["values"] for row in read_journal(journal)}
        adaptive = getattr(self.plan.search, "adaptive", False)
        number = 0
        while True:
            values = recorded.get(number) if adaptive else None
            if values is None:
                values = self.plan.search.values(number, [trial.outcome() for trial in self.done])
            if values is None:
                return
            yield Trial(number=number, values=values, folder=self.folder / trial_name(values))
            number += 1

    def _take(self, trial: Trial, before: str) -> None:
        self._wait(trial)
        if before == STOPPED_EARLY:
            trial.state, trial.why = before, "by an earlier attempt of this sweep"
        elif self._is_finished(trial):
            trial.state = FINISHED
        if trial.state:
            self.tell(f"trial {trial.number + 1} {trial.name}: {trial.state} already")
        elif not trial.why:
            self.tell(f"trial {trial.number + 1} {trial.name}")
            self._run_one(trial)
        else:
            trial.state = FAILED
        if trial.state == FAILED:
            self.tell(f"trial {trial.number + 1} {trial.name} failed: {trial.why}")
        trial.run = _read(trial.folder)

    def _wait(self, trial: Trial) -> None:
        """While another process has the trial's run: a sweep that is killed leaves the one that was going behind."""
        told = False
        while owner := lock_owner(trial.folder / ".lock"):
            if not told:
                self.tell(f"trial {trial.number + 1} {trial.name}: in use by process {owner}, waiting for it to end")
                told = True
            time.sleep(_LOOK_EVERY_SECONDS)

    def _is_finished(self, trial: Trial) -> bool:
        """Asked before a process is started for it. Says why it cannot be run, if so."""
        try:
            experiment = experiment_of(self.plan, trial.values)
            table = to_table(experiment)
            before = RunFolder(trial.folder)
            if before.experiment.exists():  # what a run fills in when it starts
                table["engine"].setdefault("accumulate", before.read_experiment()["engine"].get("accumulate"))
            standing, _ = before.standing(table)
        except VidcoreError as error:
            trial.why = str(error)
            return False
        return standing is Standing.FINISHED

    def _run_one(self, trial: Trial) -> None:
        sets = [part for option in (*self.plan.sets, *set_options(trial.values)) for part in ("--set", option)]
        place = ["--runs", str(self.folder), "--name", trial.name]
        command = [sys.executable, "-m", "vidcore", "run", self.plan.source, *sets, *place, *self.run_options]
        with StopSignals() as signals, subprocess.Popen(command) as process:
            while process.poll() is None:
                try:
                    process.wait(_LOOK_EVERY_SECONDS)
                except subprocess.TimeoutExpired:
                    if signals.received or self._wants_to_stop(trial):
                        process.terminate()  # it saves, and leaves
                        process.wait()
            if signals.received:
                raise RunStopped(
                    signals.received,
                    f"the sweep stops in trial {trial.number + 1}; the same command goes on from there",
                )
        if process.returncode == 0:
            trial.state = FINISHED
        elif trial.why:
            trial.state = STOPPED_EARLY
        else:
            trial.state, trial.why = FAILED, _reason(trial.folder, process.returncode)

    def _wants_to_stop(self, trial: Trial) -> bool:
        """Ask the search, where it wants to be asked, once for each evaluation."""
        stop_early = getattr(self.plan.search, "stop_early", None)
        run = _read(trial.folder) if stop_early is not None else None
        if run is None or stop_early is None:
            return False
        curve = curve_of(run)
        if not curve or (trial.run is not None and curve_of(trial.run) == curve):
            return False
        trial.run = run
        outcome = Outcome(
            values=trial.values, state="", best=None, lower=bool(run.best and run.best.lower), curve=curve
        )
        if stop_early(outcome, [one.outcome() for one in self.done]):
            trial.why = f"after step {max(curve)}, by the search: others were further at that point"
        return bool(trial.why)


def curve_of(run: Run) -> Curve:
    """The figure that picks the best weights, by step of its evaluations."""
    if run.best is None:
        return {}
    rows = ((int(row["step"]), figures_of(row)) for row in run.evaluations("val"))
    return {step: figures[run.best.metric] for step, figures in rows if run.best.metric in figures}


def _read(folder: Path) -> Run | None:
    try:
        return read_run(folder)
    except RunError:  # it got no further than its name
        return None


def _reason(folder: Path, code: int) -> str:
    run = _read(folder)
    if run is not None and run.ending.state is State.FAILED:
        return run.ending.text
    return f"vidcore run left with code {code}; what it said stands above"
