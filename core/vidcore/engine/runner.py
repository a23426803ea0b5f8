"""`run`: an experiment and a folder become a trained, measured model. Continues where an earlier attempt ended.

Route: `run` takes the folder -> `_run` assembles the data and finds out where the run stands -> `_build` makes model,
optimizer and all that the loop uses, and puts the checkpoint into it -> `_train_and_measure` calls the loop, in
`loop.py`, and after it measures once more. What happens between two steps is in `session.py`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
import warnings
from pathlib import Path
from typing import Any

from attrs import field, frozen
from torch import nn

from vidcore.config import to_table
from vidcore.config.experiment import Experiment
from vidcore.data.bad_videos import BadVideos
from vidcore.engine.assembly import assemble, build_model, build_training, load_first_weights
from vidcore.engine.checkpoints import Checkpoint, Checkpoints
from vidcore.engine.contract import weights_contract
from vidcore.engine.environment import describe_environment, differences
from vidcore.engine.evaluation import measure
from vidcore.engine.events import Events, RunInfo
from vidcore.engine.feeding import bad_videos, training_batches, training_plan
from vidcore.engine.groups import describe, parameter_groups, scale_of
from vidcore.engine.journal import Journal, cut
from vidcore.engine.loop import Progress, Training, train
from vidcore.engine.measuring import Interrupted
from vidcore.engine.parallel import Parallel, open_parallel, share_chunks
from vidcore.engine.parts import Parts
from vidcore.engine.precision import determinism
from vidcore.engine.run_folder import LogFile, RunFolder, RunLock, Standing, set_aside, table_differences
from vidcore.engine.session import Session, only_finite, restore, unknown_figure
from vidcore.engine.stopping import RunStopped, StopSignals
from vidcore.errors import ConfigError, RunError
from vidcore.plugins import build
from vidcore.weights.loading import load_weights
from vidcore.weights.saving import save_weights
from vidcore.wording import counted

log = logging.getLogger(__name__)


@frozen(kw_only=True, eq=False)
class RunResult:
    """What a run came to."""

    folder: Path
    state: str  # "trained", or "finished already"
    metrics: dict[str, float]  # of the last evaluation, as fractions
    split: str  # on which they were measured; "" when nothing was
    best: float | None
    best_metric: str
    best_step: int
    steps: int
    epochs: int
    bad_steps: int
    remarks: list[str] = field(factory=list)  # what a person should know, said in log.txt, too


def run(
    experiment: Experiment,
    *,
    runs: Path | str = "runs",
    name: str = "",
    fresh: bool = False,
    progress: object | None = None,
) -> RunResult:
    """Train and measure, or go on with it, or find that it is done.

    Args:
        experiment: As `vidcore.load_experiment` gives it.
        runs: Folder of all runs; this one's is `runs/name`.
        name: Of the run; left out: the experiment's.
        fresh: Begin anew; an earlier run of that name is kept under another.
        progress: Hears the events of the run, as a callback does; see `vidcore.engine.events`.

    Raises:
        ConfigError: The experiment cannot be run, or the folder holds another one (each difference is shown).
        RunError: The folder is in use or cannot be written, the disk is full, losses are not finite.
        RunStopped: By Ctrl-C or SIGTERM; everything is saved, and `exit_code` is what a shell expects.
    """
    name = name or experiment.name
    if name in ("", ".", "..") or Path(name).name != name:
        raise ConfigError(f"{name!r} cannot be the name of a run folder; give --name, without any slash")
    folder = RunFolder(Path(runs) / name)
    with contextlib.ExitStack() as stack:
        parallel = stack.enter_context(open_parallel(experiment))
        before = parallel.on_first(lambda: _take_folder(folder, fresh and not parallel.restarts, stack))
        return _run(share_chunks(experiment, parallel.world, before), folder, parallel, progress, stack)


def _take_folder(folder: RunFolder, fresh: bool, stack: contextlib.ExitStack) -> dict[str, Any]:
    """Lock the folder and open its log; the table of the run that was begun in it, empty if none was."""
    folder.refuse_foreign()
    kept = set_aside(folder.path) if fresh else None
    stack.enter_context(RunLock(folder.path))
    stack.enter_context(LogFile(folder.log))
    if kept is not None:
        log.info("the earlier run is kept as %s", kept)
    return folder.read_experiment() if folder.begun() else {}


def _run(
    experiment: Experiment, folder: RunFolder, parallel: Parallel, watcher: object | None, stack: contextlib.ExitStack
) -> RunResult:
    """In a folder that is ours: where does the run stand; then build, train and measure what is left of it."""
    signals = stack.enter_context(StopSignals())
    parts = assemble(experiment, parallel=parallel)
    if "train" not in parts.datasets:
        raise ConfigError("there is no data.train; `vidcore test` measures a model without training it")
    stack.enter_context(determinism(parts.experiment.engine.deterministic))
    stack.enter_context(parts.precision.matmul_settings())
    standing, checkpoint, remarks = parallel.on_first(lambda: _prepare_folder(folder, parts))
    if standing is Standing.FINISHED:
        return _read_result(folder, "finished already", remarks)
    remarks += _opening_remarks(parts)
    for remark in remarks:
        log.warning("%s", remark)
    _check_best(parts)
    training, progress = _build(parts, checkpoint)
    session = _open_session(parts, training, progress.step, folder, signals, watcher, stack)
    return _train_and_measure(session, progress, remarks)


def _prepare_folder(folder: RunFolder, parts: Parts) -> tuple[Standing, Checkpoint | None, list[str]]:
    """Write what describes the run, unless it is done; where it stands, the checkpoint to go on from, and remarks."""
    engine, table = parts.experiment.engine, to_table(parts.experiment)
    standing, remarks = folder.standing(table)
    if standing is Standing.FINISHED:
        return standing, None, remarks
    checkpoints = Checkpoints(folder.checkpoints, engine.checkpoint.keep)
    environment = describe_environment(parts.device, parts.precision.name)
    checkpoint: Checkpoint | None = None
    if standing is Standing.UNFINISHED:
        checkpoint, damaged = checkpoints.newest()
        if checkpoint is not None:
            _refuse_other_data(folder, checkpoint, parts.data_facts())
        checkpoints.set_aside_damaged(checkpoint)
        offset = checkpoint.state["progress"]["metrics_bytes"] if checkpoint else 0
        remarks += [*damaged, *filter(None, [cut(folder.metrics, offset)])]
        before = folder.read_json(folder.environment) if checkpoint else {}
        if before and (changed := differences(before, environment)):
            remarks.append(f"not the machine that began this run, so the last bits may differ: {'; '.join(changed)}")
        folder.unfinish()
    folder.write_experiment(table)
    folder.write_json(folder.environment, environment)
    return standing, checkpoint, remarks


def _refuse_other_data(folder: RunFolder, checkpoint: Checkpoint, now: dict[str, Any]) -> None:
    differences = table_differences(checkpoint.state.get("data", now), now)
    if changed := [f"{key}: was {was}, is {is_now}" for key, was, is_now in differences]:
        raise ConfigError(
            f"{folder.path} was begun with other data:\n  " + "\n  ".join(changed[:9]) + "\n"
            "Put it back, and the run goes on. With the new data begin another one: choose another --name, or --fresh, "
            f"and to start from these weights: [model] weights = {str(folder.weights('last'))!r}."
        )


def _opening_remarks(parts: Parts) -> list[str]:
    plan, remarks = training_plan(parts), []
    if plan.num_samples < plan.samples_per_step:
        remarks.append(
            f"data.train has {counted(plan.num_samples, 'sample')}, fewer than the {plan.samples_per_step} of a step: "
            "every epoch is one short step"
        )
    if not parts.experiment.metrics and len(parts.datasets) > 1:
        remarks.append("the experiment has no [metrics.NAME]: predictions are written, and nothing is measured")
    return remarks


def _build(parts: Parts, checkpoint: Checkpoint | None) -> tuple[Training, Progress]:
    """What the loop works with, and where it begins: with the first weights, or with those of the checkpoint."""
    model = build_model(parts)
    if checkpoint is None:
        load_first_weights(model, parts.experiment.model)
    training = build_training(parts, model, training_plan(parts).steps_per_epoch)
    return training, Progress() if checkpoint is None else restore(training, checkpoint)


def _open_session(
    parts: Parts,
    training: Training,
    start_step: int,
    folder: RunFolder,
    signals: StopSignals,
    watcher: object | None,
    stack: contextlib.ExitStack,
) -> Session:
    """What happens around the steps, with its files, which `stack` closes; the first process alone writes and tells."""
    experiment, first = parts.experiment, parts.parallel.rank == 0
    callbacks = {name: _callback(name, config) for name, config in experiment.callbacks.items() if first}
    run_info = RunInfo(
        name=folder.path.name,
        folder=folder.path,
        experiment=experiment,
        start_step=start_step,
        total_steps=training.total_steps,
        steps_per_epoch=training.steps_per_epoch,
        clips_per_step=parts.clips_per_step,
    )
    contract = weights_contract(experiment, parts.classes)

    def journal(path: Path) -> Journal:
        return stack.enter_context(contextlib.closing(Journal(path if first else Path(os.devnull))))

    def save(module: nn.Module, path: Path) -> None:
        if first:
            save_weights(path, module.state_dict(), contract)

    return Session(
        training=training,
        folder=folder,
        checkpoints=Checkpoints(folder.checkpoints, experiment.engine.checkpoint.keep),
        metrics=journal(folder.metrics),
        timings=journal(folder.timings),
        events=Events({**callbacks, **({"what shows the run": watcher} if watcher is not None and first else {})}),
        signals=signals,
        run=run_info,
        parts=parts,
        save_weights=save,
    )


def _callback(name: str, config: Any) -> object:
    try:
        return build(config)
    except Exception as error:  # a service that cannot be reached, say
        raise ConfigError(f"callbacks.{name} cannot be made: {type(error).__name__}: {error}") from error


def _train_and_measure(session: Session, progress: Progress, remarks: list[str]) -> RunResult:
    """The loop, the last evaluation, the result; a signal is answered by saving."""
    started = time.perf_counter()
    run_info, parts = session.run, session.parts
    bad = bad_videos(parts, "train", session.folder.bad_videos)
    _log_start(session, progress)
    try:
        session.events.send("run_started", run=run_info)
        with training_batches(parts, progress.step, bad) as batches:
            train(session.training, progress, batches, session.policy())
        if session.told_to_stop():
            raise Interrupted
        split, metrics = _final_evaluation(session, progress)
    except Interrupted:  # all processes hear of it
        session.told_to_stop()
        raise session.stop(progress) from None
    except Exception as error:
        if session.signals.received is not None and not isinstance(error, RunStopped):
            # workers hear Ctrl-C as well, and fail in ways of their own
            raise session.stop(progress, alone=True) from None
        session.events.send("run_stopped", run=run_info, step=progress.step, reason=str(error))
        log.error("the run ends after step %d: %s", progress.step, error)
        raise
    remarks += _closing_remarks(session, progress, bad, time.perf_counter() - started)
    result = {
        "epochs": parts.experiment.engine.epochs,
        "steps": progress.step,
        "split": split,
        "metrics": only_finite(metrics),
        "best": progress.best,
        "best_metric": progress.best_metric,
        "best_step": progress.best_step,
        "bad_steps": progress.bad_steps,
        "ended_early": session.events.stop_reason,
    }
    parts.parallel.on_first(lambda: session.folder.write_json(session.folder.result, result))
    session.events.send("run_finished", run=run_info, metrics=metrics)
    log.info("finished after %d steps", progress.step)
    return _read_result(session.folder, "trained", remarks)


def _closing_remarks(session: Session, progress: Progress, bad: BadVideos, seconds: float) -> list[str]:
    remarks = session.events.slow(seconds)
    remarks += [f"callback {name!r} failed {counted(count, 'time')}" for name, count in session.events.failures.items()]
    remarks += [text for text in (bad.summary, *session.left_out.values()) if text]
    if progress.bad_steps:
        skipped = counted(progress.bad_steps, "step was", "steps were")
        remarks.append(f"{skipped} skipped, loss or gradient was not finite; log.txt names the samples")
    for remark in remarks:
        log.warning("%s", remark)
    return remarks


def _final_evaluation(session: Session, progress: Progress) -> tuple[str, dict[str, float]]:
    """Measure the best or the last weights on data.test, or on data.val where there is no test split."""
    parts = session.parts
    which = parts.experiment.engine.evaluate.final
    split = next((split for split in ("test", "val") if split in parts.datasets), "")
    if which == "none" or not split:
        return "", {}
    if which == "best" and progress.best is None:
        which = "last"
    module = build_model(parts)
    load_weights(module, session.folder.weights(which))
    found, predictions = session.measure(module, split, "test")
    epoch = progress.epochs_closed
    session.metrics.append({"step": progress.step, "epoch": epoch, "split": "test", **only_finite(found)})
    log.info(
        "%s weights on data.%s: %s", which, split, ", ".join(f"{name} {value:.4f}" for name, value in found.items())
    )
    values = {"step": progress.step, "epoch": epoch, "metrics": found, "predictions": predictions}
    session.events.send("evaluation_finished", run=session.run, split="test", **values)
    return split, found


def _check_best(parts: Parts) -> None:
    """Find a misspelt engine.checkpoint.best before training, where metrics tell their figures without data."""
    wanted = parts.experiment.engine.checkpoint.best
    if not wanted or "val" not in parts.datasets:
        return
    try:
        with warnings.catch_warnings(action="ignore"):  # of means over nothing
            figures = measure([], parts.metrics())
    except Exception:  # a metric need not answer before it has seen anything; the first evaluation tells then
        return
    if wanted not in figures:
        raise unknown_figure(wanted, figures)


def _log_start(session: Session, progress: Progress) -> None:
    parts, training, experiment = session.parts, session.training, session.parts.experiment
    scale = scale_of(experiment.engine.auto_scale_lr, session.run.clips_per_step)
    log.info(
        "%s: %s after step %d of %d, on %s in %s",
        session.run.name,
        "goes on" if progress.step else "begins",
        progress.step,
        training.total_steps,
        f"{parts.parallel.world} x {parts.device.type}" if parts.parallel.world > 1 else parts.device,
        parts.precision.name,
    )
    for line in describe(parameter_groups(training.model, experiment.optimizer), experiment.optimizer, scale):
        log.info("group: %s", line)


def _read_result(folder: RunFolder, state: str, remarks: list[str]) -> RunResult:
    result = folder.read_json(folder.result)
    try:
        return RunResult(
            folder=folder.path,
            state=state,
            remarks=remarks + ([f"ended early: {result['ended_early']}"] if result["ended_early"] else []),
            **{key: value for key, value in result.items() if key != "ended_early"},
        )
    except (KeyError, TypeError) as error:
        raise RunError(
            f"{folder.result}: cannot be read: {error}; remove it, and the run goes on to its end"
        ) from error
