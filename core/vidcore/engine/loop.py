"""The training loop. Everything that happens between two optimizer steps is called from this page.

Route: `train` is the loop; `take_step` is one optimizer step, made of one or several chunks; `Policy` is what happens
around steps, and `session.py` fills it in. What they use has one job each and a file of its own: precision, groups,
schedules, gradients, techniques, evaluation, checkpoints, events.

A step is a function of the weights before it, the seed and its number: data comes from a plan that can start at any
step, and every random number is drawn from a key. So a checkpoint holds no random state, and a run that was killed goes
on with the same bits.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import torch
from attrs import Factory, define, evolve, field, frozen
from torch import Tensor, nn

from vidcore.config.experiment import ClipGrad
from vidcore.engine.gradients import RunningStatistics, clip_gradients
from vidcore.engine.groups import set_training_mode
from vidcore.engine.optimizers import set_learning_rates
from vidcore.engine.parallel import Parallel
from vidcore.engine.parts import Technique
from vidcore.engine.precision import Precision, inputs_channels_last
from vidcore.errors import RunError
from vidcore.interfaces import Task
from vidcore.randomness import Purpose, generator, torch_seed
from vidcore.values import Batch, SampleRef

log = logging.getLogger(__name__)

Named = tuple[SampleRef, dict[str, Any]]  # a sample with what is known of it


@frozen(kw_only=True, eq=False)
class Training:
    """What the loop works with; nothing here is replaced while it runs."""

    model: nn.Module
    task: Task
    optimizer: torch.optim.Optimizer
    learning_rate_factor: Callable[[int], float]  # of the step, counted from 0
    precision: Precision
    device: torch.device
    seed: int
    steps_per_epoch: int
    epochs: int
    augment: Callable[[Batch], Batch] = lambda batch: batch  # on the device, with the draws of each sample
    accumulate: int = 1  # chunks whose gradients make one step, of all processes together
    parallel: Parallel = Factory(lambda: Parallel(torch.device("cpu")))
    # the model, or what stands around it to sum gradients over processes
    called: nn.Module = Factory(lambda self: self.parallel.wrap(self.model), takes_self=True)
    clip: ClipGrad | None = None
    techniques: Mapping[str, Technique] = Factory(dict)  # by name; each begins with what the one before it made
    channels_last: bool = False
    frozen_norm: bool = False
    max_bad_steps: int = 10
    scaler: torch.amp.GradScaler = field()
    statistics: RunningStatistics = field()

    @scaler.default
    def _scaler(self) -> torch.amp.GradScaler:
        # else fused kernels skip an overflow themselves, and SGD's has then a momentum that nobody wrote
        self.optimizer._step_supports_amp_scaling = False  # type: ignore[attr-defined]  # torch's word for it
        return self.precision.scaler()

    @statistics.default
    def _statistics(self) -> RunningStatistics:
        return RunningStatistics(self.model)

    @property
    def parameters(self) -> list[Tensor]:
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    @property
    def total_steps(self) -> int:
        return self.epochs * self.steps_per_epoch


@define(kw_only=True)
class Progress:
    """Where training stands: plain values, saved in every checkpoint."""

    step: int = 0  # optimizer steps done
    epochs_closed: int = 0  # epochs that were evaluated and saved
    bad_steps: int = 0  # steps that were skipped
    bad_in_row: int = 0
    best: float | None = None  # the figure that picks weights/best.safetensors
    best_metric: str = ""  # its name
    best_step: int = 0
    sums: dict[str, float] = field(factory=dict)  # losses since the last line of metrics.jsonl
    summed_steps: int = 0
    metrics_bytes: int = 0  # length of metrics.jsonl


@frozen(kw_only=True)
class Step:
    """What one optimizer step was like."""

    losses: dict[str, float]  # mean over chunks; "loss" is what was minimised
    learning_rate: float
    gradient_norm: float | None
    bad: bool  # not finite: weights are as they were before
    samples: int
    data_seconds: float  # spent waiting for batches
    seconds: float  # all of it


@frozen(kw_only=True, eq=False)
class Policy:
    """What happens around steps, decided by the runner."""

    epoch_started: Callable[[int], None] = lambda epoch: None
    step_finished: Callable[[Step, Progress], None] = lambda step, progress: None  # logs; may save within an epoch
    evaluate: Callable[[int, Progress], None] = lambda epoch, progress: None  # after the last step of an epoch
    epoch_closed: Callable[[int, Progress], None] = lambda epoch, progress: None  # saves
    should_stop: Callable[[], bool] = lambda: False  # asked after every step; the run can be continued
    should_end: Callable[[], bool] = lambda: False  # a callback wants this to be the last epoch


# --8<-- [start:train]
def train(training: Training, progress: Progress, batches: Iterator[Batch], policy: Policy) -> None:
    """Take steps until all epochs are closed, or until told to stop.

    Args:
        training: Model, optimizer and the like.
        progress: Where to begin; changed in place.
        batches: This process's chunks from step `progress.step` on.
        policy: What happens around steps.

    Raises:
        RunError: Too many bad steps in a row.
    """
    set_training_mode(training.model, training.frozen_norm)
    training.optimizer.zero_grad(set_to_none=True)
    if policy.should_end():  # decided before a kill
        return
    while progress.epochs_closed < training.epochs and not policy.should_stop():
        epoch = progress.epochs_closed + 1
        if progress.step == epoch * training.steps_per_epoch:
            policy.evaluate(epoch, progress)  # may be left by a signal; the epoch is then closed when the run goes on
            progress.epochs_closed = epoch
            policy.epoch_closed(epoch, progress)
            if policy.should_end():
                return
            continue
        if progress.step % training.steps_per_epoch == 0:
            policy.epoch_started(epoch)
        step = take_step(training, progress.step, batches)
        progress.step += 1
        _count_bad(step, progress, training.max_bad_steps)
        policy.step_finished(step, progress)


# --8<-- [end:train]


# --8<-- [start:step]
def take_step(training: Training, step: int, batches: Iterator[Batch]) -> Step:
    """One optimizer step: chunks forward and backward, clip, update. A step that is not finite changes nothing."""
    started = time.perf_counter()
    set_learning_rates(training.optimizer, training.learning_rate_factor(step))
    for technique in training.techniques.values():
        technique.before_step(training.optimizer, step)
    training.statistics.remember()
    try:
        losses, named, data_seconds = _run_chunks(training, step, batches)
    except BaseException as error:
        training.statistics.restore()  # this step has not happened
        if "more than 1 value per channel" in str(error):
            raise RunError(f"{error}: give batch norms more: larger batches or clips, or engine.frozen_norm") from error
        raise
    bad = not math.isfinite(losses["loss"])
    norm: float | None = None
    if not bad:
        scaler = training.scaler
        # too large for fp16 is the scaler's business, until it has made the loss smaller than it is
        shrunk = scaler.is_enabled() and scaler.get_scale() < 1.0
        scaler.unscale_(training.optimizer)
        norm = float(clip_gradients(training.parameters, training.clip))
        bad = not math.isfinite(norm) and (shrunk or not scaler.is_enabled())
        if bad:
            scaler.update()
    if bad:
        training.statistics.restore()
        _name_bad_samples(step, losses, norm, [one for each in training.parallel.gather(named) for one in each])
    else:
        training.scaler.step(training.optimizer)
        training.scaler.update()
        for technique in training.techniques.values():
            technique.after_step(training.model, step)
    training.optimizer.zero_grad(set_to_none=True)
    return Step(
        losses=losses,
        learning_rate=float(training.optimizer.param_groups[0]["lr"]),
        gradient_norm=norm,
        bad=bad,
        samples=len(named) * training.parallel.world,
        data_seconds=data_seconds,
        seconds=time.perf_counter() - started,
    )


# --8<-- [end:step]


def _run_chunks(training: Training, step: int, batches: Iterator[Batch]) -> tuple[dict[str, float], list[Named], float]:
    """Gradients of a step: its mean losses, this process's samples, and the seconds spent waiting for them."""
    parallel, losses_of_chunks, named, data_seconds = training.parallel, [], [], 0.0
    for chunk in range(parallel.rank, training.accumulate, parallel.world):
        waiting = time.perf_counter()
        batch = next(batches)
        data_seconds += time.perf_counter() - waiting
        named += list(zip(batch.refs, batch.meta, strict=True))
        work = partial(run_chunk, training, batch, step, chunk)
        losses_of_chunks.append(parallel.chunk(work, last=chunk + parallel.world >= training.accumulate))
    return _mean_losses(losses_of_chunks, parallel), named, data_seconds


# --8<-- [start:chunk]
def run_chunk(training: Training, batch: Batch, step: int, chunk: int) -> dict[str, Tensor]:
    """Forward and backward of one chunk; its losses, still on the device."""
    # by torch alone every kind of device is seeded, and for each that is absent the stack is read: 0.4 ms
    seeded: Any = torch.default_generator if training.device.type == "cpu" else torch
    seeded.manual_seed(torch_seed(training.seed, Purpose.MODEL, step, chunk))
    rng = generator(training.seed, Purpose.DEVICE, step, chunk)
    batch = training.augment(batch.to(training.device))
    batch = training.task.prepare(batch, rng, training=True)
    if training.channels_last:
        batch = evolve(batch, inputs=inputs_channels_last(batch.inputs))
    with training.precision.autocast():
        loss = training.task.loss(training.task.forward(training.called, batch), batch)
    share = loss.total / training.accumulate if training.accumulate > 1 else loss.total
    training.scaler.scale(share).backward()  # type: ignore[no-untyped-call]
    return {"loss": loss.total.detach(), **{name: part for name, part in loss.parts.items() if name != "loss"}}


# --8<-- [end:chunk]


def _mean_losses(chunks: list[dict[str, Tensor]], parallel: Parallel) -> dict[str, float]:
    """The mean over the chunks of all processes of each loss, fetched from the device at once."""
    names = list(chunks[0])
    values = torch.stack([torch.stack([chunk[name].detach().float() for name in names]) for chunk in chunks])
    values = torch.stack(parallel.gather(values), dim=1).flatten(0, 1)  # in the order of the chunks
    return dict(zip(names, values.mean(dim=0).tolist(), strict=True))


def _count_bad(step: Step, progress: Progress, allowed: int) -> None:
    progress.bad_in_row = progress.bad_in_row + 1 if step.bad else 0
    progress.bad_steps += step.bad
    if progress.bad_in_row >= allowed:
        raise RunError(
            f"{allowed} steps in a row were not finite, up to step {progress.step}; log.txt names their samples. "
            'Lower optimizer.lr, add engine.clip_grad, or set engine.precision = "fp32"'
        )


def _name_bad_samples(step: int, losses: dict[str, float], norm: float | None, samples: list[Named]) -> None:
    wrong = [f"{name} {value}" for name, value in losses.items() if not math.isfinite(value)]
    log.warning(
        "step %d was skipped: %s is not finite; its samples: %s",
        step + 1,
        ", ".join(wrong) or f"gradient norm {norm}",
        ", ".join(str(meta.get("path", ref.key)) for ref, meta in samples),
    )
