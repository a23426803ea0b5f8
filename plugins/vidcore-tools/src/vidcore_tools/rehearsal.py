"""A dry run: everything is built and used once, so that what can fail fails now, not on a rented GPU.

One batch goes forward and back, a throw-away checkpoint is written, two samples are evaluated. Where the data is
absent, made samples of the same shapes stand in; what is too large for this machine goes through on the meta device,
which computes shapes and no numbers. Both are said.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from attrs import evolve, field, frozen
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from vidcore.config.checks import SPLITS, facts_of
from vidcore.config.experiment import Experiment
from vidcore.config.places import place
from vidcore.engine.assembly import assemble, build_model, build_training
from vidcore.engine.checkpoints import Checkpoints, optimizer_tensors
from vidcore.engine.evaluation import Forward, measure, predict_batches
from vidcore.engine.loop import Training, take_step
from vidcore.engine.parallel import Parallel
from vidcore.engine.parts import Parts
from vidcore.engine.precision import choose_device, choose_precision
from vidcore.errors import ConfigError, DataError
from vidcore.interfaces import Dataset, Task
from vidcore.plugins import build
from vidcore.randomness import Purpose, generator
from vidcore.values import Batch, SampleRef
from vidcore_tools.made import MadeSamples

_EVALUATED = 2  # samples
_SPARE = 0.8  # share of the free memory that may be planned for


@frozen(kw_only=True)
class Rehearsal:
    """What a dry run found out."""

    parameters: int
    trainable: int
    gmacs: float  # multiply-accumulates / 1e9 of one view, matrix products and convolutions
    memory_bytes: int  # estimate for one training step: weights, gradients, optimizer, what is kept for backward
    free_bytes: int  # of the device
    batch: int  # samples
    shapes: dict[str, tuple[int, ...]]  # of the batch's inputs
    videos: dict[str, int]  # by split, where the data is there
    steps_per_epoch: int | None
    step_seconds: float | None  # None: on the meta device
    loss: float | None
    metrics: dict[str, float] = field(factory=dict)  # of two samples: they only show that it works
    remarks: list[str] = field(factory=list)


def rehearse(experiment: Experiment, say: Callable[[str], None] = lambda text: None) -> Rehearsal:
    """Do everything once.

    Args:
        experiment: As `vidcore.load_experiment` gives it.
        say: Told what is being done.

    Raises:
        VidcoreError: What would have failed in the run.
    """
    parts, videos, remarks = _parts(experiment)
    experiment = parts.experiment
    train = experiment.data.train
    if train is None:
        raise ConfigError("there is no data.train to rehearse")
    say("reading one batch")
    batch = _batch(parts, "train", train.batch_size, remarks)
    say("building the model")
    parameters, trainable, gmacs, memory = _on_meta(parts, batch)
    free = free_memory(parts.device)
    fits = memory < _SPARE * free
    step_seconds = loss = None
    metrics: dict[str, float] = {}
    if fits:
        say("one step forward and back")
        loss, step_seconds, training = _step(parts, batch)
        say("a checkpoint, and two samples evaluated")
        _save(training)
        metrics = _evaluate(parts, training.model, remarks)
    else:
        remarks.append(
            f"a step needs about {gib(memory)} of memory and {gib(free)} are free: shapes were checked on the meta "
            "device, nothing was computed; a smaller batch_size with engine.accumulate needs less"
        )
    size = len(parts.datasets["train"]) if "train" in videos else None
    return Rehearsal(
        parameters=parameters,
        trainable=trainable,
        gmacs=gmacs,
        memory_bytes=memory,
        free_bytes=free,
        batch=len(batch),
        shapes={name: tuple(value.shape) for name, value in batch.inputs.items() if isinstance(value, Tensor)},
        videos=videos,
        steps_per_epoch=size // (train.batch_size * (experiment.engine.accumulate or 1)) if size else None,
        step_seconds=step_seconds,
        loss=loss,
        metrics=metrics,
        remarks=remarks,
    )


def _parts(experiment: Experiment) -> tuple[Parts, dict[str, int], list[str]]:
    """The experiment's parts, the size of each split whose data is there, and a remark where it is not."""
    root = place(experiment.data.root)
    configs = {split: getattr(experiment.data, split) for split in SPLITS}
    configs = {split: config for split, config in configs.items() if config is not None}
    absent = [split for split, config in configs.items() if not config.is_there(root)]
    if not absent:
        parts = assemble(experiment)
        return parts, {split: len(dataset) for split, dataset in parts.datasets.items()}, []
    remark = f"no data for {', '.join(absent)} under {root}: made samples of the same shapes stand in for all of it"
    return _made_parts(experiment), {}, [remark]


def _made_parts(experiment: Experiment) -> Parts:
    facts = facts_of(experiment)
    named = next((known.classes for known in facts.values() if known.classes), None)
    if named is None and experiment.model.num_classes is None:
        raise ConfigError("model.num_classes: the data that would tell it is absent; give --set model.num_classes=...")
    classes = named or tuple(f"class {index}" for index in range(experiment.model.num_classes))
    task = build(experiment.task, classes)
    if not hasattr(task, "made_target"):
        raise ConfigError("the data is absent, and this task cannot make samples of its own (it has no made_target)")
    datasets: dict[str, Dataset] = {}
    for split, known in facts.items():
        config = getattr(experiment.data, split)
        views = 1 if split == "train" else config.views.clips * config.views.crops
        length = max(config.batch_size, _EVALUATED)
        inputs_of = getattr(config, "inputs_of", None)  # of data whose samples are not all of one kind
        examples = experiment.model.example_inputs()
        datasets[split] = MadeSamples(known.inputs, examples, views, task, classes, length, inputs_of)
    parallel = Parallel(choose_device(experiment.engine.device))
    precision = choose_precision(experiment.engine.precision, parallel.device)
    experiment = evolve(experiment, model=evolve(experiment.model, num_classes=len(classes)))
    return Parts(
        experiment=experiment, classes=classes, datasets=datasets, task=task, parallel=parallel, precision=precision
    )


def _batch(parts: Parts, split: str, count: int, remarks: list[str]) -> Batch:
    """The first `count` samples; as in a run, one that cannot be read is left out, with a remark."""
    dataset, seed, samples, unreadable = parts.datasets[split], parts.experiment.seed, [], 0
    indices = itertools.cycle(range(len(dataset)))
    while count > 0:
        index = next(indices)
        try:
            samples += dataset.sample(SampleRef("", 0, index), generator(seed, Purpose.SAMPLE, 0, index))
            count -= 1
        except DataError as error:
            unreadable += 1
            if parts.experiment.data.on_bad_video == "fail" or unreadable >= len(dataset):
                raise
            remarks.append(f"left out, as a run would: {error}")
    return parts.task.collate(samples)


def _on_meta(parts: Parts, batch: Batch) -> tuple[int, int, float, int]:
    """Parameters, those trained, GMACs of a view and bytes of a step, found without computing a number."""
    meta = torch.device("meta")
    with meta:
        model: nn.Module = build(parts.experiment.model)
    task: Task = build(parts.experiment.task, parts.classes)  # its own: a task may keep tensors on the last device
    prepared = task.prepare(batch.to(meta), generator(0, Purpose.DEVICE), training=True)
    one = evolve(prepared, inputs={name: _first_view(value) for name, value in prepared.inputs.items()})
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        task.forward(model.eval(), one)
    kept = _Kept()
    with torch.autograd.graph.saved_tensors_hooks(kept.keep, lambda tensor: tensor), parts.precision.autocast():
        task.loss(task.forward(model.train(), prepared), prepared)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    frozen_names = parts.experiment.engine.freeze
    trainable = parameters if not frozen_names else _trainable(parts)
    state = 4 * parameters + 3 * 4 * trainable  # weights; gradients and two moments at most
    return parameters, trainable, counter.get_total_flops() / 2 / 1e9, state + kept.bytes


def _trainable(parts: Parts) -> int:
    from vidcore.engine.groups import freeze

    with torch.device("meta"):
        model: nn.Module = build(parts.experiment.model)
    freeze(model, parts.experiment.engine.freeze)
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _first_view(value: object) -> object:
    return value[:1] if isinstance(value, Tensor | list) else value


class _Kept:
    """Adds up what autograd keeps for the backward pass, each tensor once."""

    def __init__(self) -> None:
        self.bytes = 0
        self._seen: dict[int, Tensor] = {}

    def keep(self, tensor: Tensor) -> Tensor:
        if id(tensor) not in self._seen and not isinstance(tensor, nn.Parameter):
            self._seen[id(tensor)] = tensor  # held, so that its id is not used again
            self.bytes += tensor.numel() * tensor.element_size()
        return tensor


def _step(parts: Parts, batch: Batch) -> tuple[float, float, Training]:
    model = build_model(parts)
    training = build_training(parts, model, steps_per_epoch=1)
    training = evolve(training, accumulate=1)
    started = time.perf_counter()
    step = take_step(training, 0, iter([batch]))
    if step.bad:
        raise ConfigError("the loss of the first step is not finite; lower optimizer.lr or use engine.precision = fp32")
    return step.losses["loss"], time.perf_counter() - started, training


def _save(training: Training) -> None:
    with tempfile.TemporaryDirectory(prefix="vidcore-") as folder:
        tensors, groups = optimizer_tensors(training.optimizer)
        parts = {"model": training.model.state_dict(), "optimizer": tensors}
        Checkpoints(Path(folder), keep=1).save(1, parts, {"optimizer": groups})


def _evaluate(parts: Parts, model: nn.Module, remarks: list[str]) -> dict[str, float]:
    split = next((split for split in ("val", "test") if split in parts.datasets), None)
    if split is None:
        return {}
    views = getattr(parts.experiment.data, split).views
    forward = Forward(
        task=parts.task,
        device=parts.device,
        precision=parts.precision,
        channels_last=parts.experiment.engine.channels_last,
        max_per_forward=views.max_per_forward,
    )
    scored = predict_batches(model, [_batch(parts, split, _EVALUATED, remarks)], forward)
    return measure(scored, parts.metrics())


def free_memory(device: torch.device) -> int:
    """Bytes that a process may still use on a device."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):  # not Linux
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def gib(count: int) -> str:
    """Bytes for people."""
    return f"{count / 2**30:.1f} GiB"
