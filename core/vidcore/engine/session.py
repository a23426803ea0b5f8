"""What happens around the steps of a run: lines in its files, evaluation, best weights, checkpoints, events.

The policy is here, in one place; the loop asks it and knows nothing of files.
"""

from __future__ import annotations

import logging
import math
import resource
import time
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import torch
from attrs import define, field
from torch import nn

from vidcore.engine.checkpoints import Checkpoint, Checkpoints, optimizer_tensors, restore_module, restore_optimizer
from vidcore.engine.evaluation import lower_is_better
from vidcore.engine.events import Events, RunInfo
from vidcore.engine.journal import Journal
from vidcore.engine.loop import Policy, Progress, Step, Training
from vidcore.engine.measuring import Interrupted, measure_split
from vidcore.engine.parts import Parts
from vidcore.engine.run_folder import RunFolder
from vidcore.engine.stopping import RunStopped, StopSignals
from vidcore.errors import ConfigError
from vidcore.wording import nearest

log = logging.getLogger(__name__)


@define(kw_only=True, eq=False)
class Session:
    """One process's work on a run."""

    training: Training
    folder: RunFolder
    checkpoints: Checkpoints
    metrics: Journal
    timings: Journal
    events: Events
    signals: StopSignals
    run: RunInfo
    parts: Parts
    save_weights: Callable[[nn.Module, Path], None]  # with their contract
    left_out: dict[str, str] = field(factory=dict)  # by split, in words: samples that could not be read
    started: float = field(factory=time.perf_counter)
    first_step_ended: float | None = None  # it fills caches and starts workers, and tells nothing of those to come
    last_clips: int = 0
    last_seconds: float = 0.0  # of steps alone: not of callbacks, evaluations and saves
    last_data_seconds: float = 0.0
    slow_callbacks: int = 0  # that were named so far

    def module(self, step: int) -> nn.Module:
        """The weights that are measured and kept: the model's, or what techniques make of them."""
        whole, thorough = self.training.parallel.whole, step % self.training.steps_per_epoch == 0
        module = whole(self.training.model)
        for technique in self.training.techniques.values():
            module = whole(technique.weights(module, step, thorough=thorough))
        return module

    def policy(self) -> Policy:
        """What the loop asks."""
        return Policy(
            epoch_started=lambda epoch: self.events.send("epoch_started", run=self.run, epoch=epoch),
            step_finished=self.step_finished,
            evaluate=self.evaluate_when_due,
            epoch_closed=self.epoch_closed,
            should_stop=self.told_to_stop,
            should_end=lambda: bool(self.training.parallel.agree(bool(self.events.stop_reason))),
        )

    def told_to_stop(self) -> bool:
        """Whether a signal came, to any process: then all stop here."""
        self.signals.received = self.training.parallel.agree(self.signals.received or 0) or None
        return self.signals.received is not None

    def step_finished(self, step: Step, progress: Progress) -> None:
        """Gather losses, write a line when it is due, save within long epochs."""
        epoch = (progress.step - 1) // self.training.steps_per_epoch + 1
        if not step.bad:
            for name, value in step.losses.items():
                progress.sums[name] = progress.sums.get(name, 0.0) + value
            progress.summed_steps += 1
        self.last_clips += step.samples
        self.last_seconds += step.seconds
        self.last_data_seconds += step.data_seconds
        if self._line_due(progress.step):
            self._write_lines(step, progress, epoch)
        values = {**step.losses, "lr": step.learning_rate, "seconds": step.seconds, "data_seconds": step.data_seconds}
        self.events.send("step_finished", run=self.run, step=progress.step, epoch=epoch, values=values)
        self.first_step_ended = self.first_step_ended or time.perf_counter()
        every = self.run.experiment.engine.checkpoint.every_steps
        if every is not None and progress.step % every == 0 and progress.step % self.training.steps_per_epoch:
            self.save(progress)

    def evaluate_when_due(self, epoch: int, progress: Progress) -> None:
        """Measure the model and keep the best weights: where the experiment says so, and after the last epoch."""
        plan = self.run.experiment.engine.evaluate
        due = epoch >= plan.start and (epoch - plan.start) % plan.every == 0
        if "val" not in self.parts.datasets or not (due or epoch == self.training.epochs):
            return
        started = time.perf_counter()
        module = self.module(progress.step)
        found, predictions = self.measure(module, "val", "val")
        seconds = time.perf_counter() - started
        place = {"step": progress.step, "epoch": epoch, "split": "val"}
        self.metrics.append({**place, **only_finite(found)})
        self.timings.append({**place, "seconds": seconds, "memory_bytes": memory_bytes(self.training.device)})
        log.info("epoch %d: %s", epoch, ", ".join(f"{name} {value:.4f}" for name, value in found.items()))
        self._keep_best(module, found, progress)
        values = {"step": progress.step, "epoch": epoch, "metrics": found, "predictions": predictions}
        self.events.send("evaluation_finished", run=self.run, split="val", **values)

    def measure(self, module: nn.Module, split: str, named: str) -> tuple[dict[str, float], Path]:
        """Figures on a split, and the file of predictions; callbacks are told, and signals are heard, on the way.

        Args:
            module: On the device.
            split: "val" or "test", of the experiment's data.
            named: What it is called in files and to callbacks: the last evaluation is "test" on whatever data.

        Raises:
            Interrupted: A signal came.
        """
        total = len(self.parts.datasets[split])
        self.events.send("evaluation_started", run=self.run, split=named, num_samples=total)

        def on_progress(done: int) -> None:
            self.events.send("evaluation_progressed", run=self.run, split=named, done=done, num_samples=total)
            if self.signals.received is not None:
                raise Interrupted

        path = self.folder.predictions(named)
        measured = measure_split(self.parts, module, split, path, on_progress, self.folder.bad_videos)
        self.left_out[split] = f"data.{split}: {measured.left_out}" if measured.left_out else ""
        return measured.metrics, path

    def epoch_closed(self, epoch: int, progress: Progress) -> None:
        """Tell that the epoch is over, and who is slow; save where the experiment says so, and at the end."""
        self.events.send("epoch_finished", run=self.run, epoch=epoch)
        slow = self.events.slow(time.perf_counter() - self.started)
        if len(slow) > self.slow_callbacks:
            self.slow_callbacks = len(slow)
            log.warning("so far, %s", "; ".join(slow))
        every = self.run.experiment.engine.checkpoint.every
        if epoch == self.training.epochs or epoch % every == 0 or self.events.stop_reason:
            self.save(progress)

    def save(self, progress: Progress) -> None:
        """Write weights/last and a checkpoint. The weights come first: a checkpoint says that they are there."""
        parallel = self.training.parallel
        if parallel.rank and not parallel.sharded:
            return
        started = time.perf_counter()
        self.save_weights(self.module(progress.step), self.folder.weights("last"))
        progress.metrics_bytes = 0 if parallel.rank else self.metrics.offset()  # the first process has the files
        tensors, groups = optimizer_tensors(self.training.optimizer)
        parts: dict[str, Mapping[str, torch.Tensor]] = {"model": self.training.model.state_dict(), "optimizer": tensors}
        for name, technique in self.training.techniques.items():
            parts[f"technique-{name}"] = technique.tensors()
        state = {"progress": attrs.asdict(progress), "optimizer": groups, "scaler": self.training.scaler.state_dict()}
        state["data"] = self.parts.data_facts()
        path = parallel.save(self.checkpoints, progress.step, parts, state)
        if path is None:
            return
        log.info("saved %s in %.1f s", path.name, time.perf_counter() - started)
        self.events.send("checkpoint_saved", run=self.run, step=progress.step, path=path)

    def stop(self, progress: Progress, *, alone: bool = False) -> RunStopped:
        """Save after a signal, of which all processes know unless this one is `alone`; the error to leave with."""
        assert self.signals.received is not None
        saved = not (alone and self.training.parallel.sharded)  # else the last checkpoint is where it goes on
        if saved:
            self.save(progress)
        if not alone:
            self.training.parallel.agree(0)  # were one to leave before the first has saved, a launcher would end all
        signum = self.signals.received
        reason = f"stopped by {'Ctrl-C' if signum == 2 else f'signal {signum}'} after step {progress.step}"
        told = f"{reason}; {'saved' if saved else 'not saved, which takes all processes'}"
        log.info("%s", told)
        self.events.send("run_stopped", run=self.run, step=progress.step, reason=reason)
        return RunStopped(signum, f"{told}. The same command goes on from there.")

    def _line_due(self, step: int) -> bool:
        """Every so many steps, and at the end of an epoch."""
        return step % self.run.experiment.engine.log_every == 0 or step % self.training.steps_per_epoch == 0

    def _write_lines(self, step: Step, progress: Progress, epoch: int) -> None:
        place: dict[str, Any] = {"step": progress.step, "epoch": epoch, "split": "train"}
        values = {name: total / progress.summed_steps for name, total in progress.sums.items()}
        more = {"lr": step.learning_rate, "grad_norm": step.gradient_norm, "bad_steps": progress.bad_steps or None}
        values |= {name: value for name, value in more.items() if value is not None}
        self.metrics.append({**place, **only_finite(values)})
        times = {
            "seconds": self.last_seconds,
            "data_seconds": self.last_data_seconds,
            "clips_per_second": self.last_clips / self.last_seconds,
            "memory_bytes": memory_bytes(self.training.device),
        }
        self.timings.append({**place, **times})
        since, taken = self.first_step_ended or self.started, progress.step - self.run.start_step
        pace = (time.perf_counter() - since) / max(1, taken - 1)  # evaluations, saves and callbacks included
        log.info(
            "step %d of %d, epoch %d: %s; %.3g clips/s, %.0f %% of the time waiting for data, %.1f GiB, %s left",
            progress.step,
            self.training.total_steps,
            epoch,
            ", ".join(f"{name} {value:.4g}" for name, value in values.items()),
            times["clips_per_second"],
            100 * self.last_data_seconds / self.last_seconds,
            times["memory_bytes"] / 2**30,
            timedelta(seconds=round(pace * (self.training.total_steps - progress.step))),
        )
        progress.sums, progress.summed_steps = {}, 0
        self.last_clips, self.last_seconds, self.last_data_seconds = 0, 0.0, 0.0

    def _keep_best(self, module: nn.Module, found: Mapping[str, float], progress: Progress) -> None:
        name = self.run.experiment.engine.checkpoint.best or next(iter(found), "")
        if not found:
            return
        if name not in found:
            raise unknown_figure(name, found)
        value = found[name]
        sign = -1.0 if lower_is_better(name, self.parts.metrics()) else 1.0
        if not math.isnan(value) and (progress.best is None or sign * value > sign * progress.best):
            progress.best, progress.best_metric, progress.best_step = value, name, progress.step
            self.save_weights(module, self.folder.weights("best"))


def unknown_figure(wanted: str, known: Collection[str]) -> ConfigError:
    """What to say when engine.checkpoint.best names no figure of the metrics."""
    return ConfigError(
        f"engine.checkpoint.best: no metric gives {wanted!r}{nearest(wanted, known)}; there are: {', '.join(known)}"
    )


def restore(training: Training, checkpoint: Checkpoint) -> Progress:
    """Put a checkpoint back into model, optimizer, average and scaler; where training stands."""
    read = training.parallel.read
    restore_module(training.model, read(checkpoint, "model"))
    restore_optimizer(training.optimizer, read(checkpoint, "optimizer"), checkpoint.state["optimizer"])
    for name, technique in training.techniques.items():
        technique.load(read(checkpoint, f"technique-{name}"))
    if checkpoint.state["scaler"]:
        training.scaler.load_state_dict(checkpoint.state["scaler"])
    return Progress(**checkpoint.state["progress"])


def only_finite(values: Mapping[str, float]) -> dict[str, float]:
    """Without what JSON has no number for."""
    return {name: value for name, value in values.items() if math.isfinite(value)}


def memory_bytes(device: torch.device) -> int:
    """The most memory used so far: of the device, or of this process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
