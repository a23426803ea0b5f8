"""Which batch size keeps the device busy: steps of 1, 2, 4, ... clips, until memory or patience ends."""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable, Sequence

import torch
from attrs import evolve, frozen

from vidcore.config.experiment import Experiment
from vidcore.engine.assembly import assemble, build_model, build_training
from vidcore.engine.groups import set_training_mode
from vidcore.engine.loop import take_step
from vidcore.engine.parts import Parts
from vidcore.engine.session import memory_bytes
from vidcore.errors import RunError
from vidcore.randomness import Purpose, generator
from vidcore.values import Batch, Sample, SampleRef
from vidcore.wording import counted

_READ = 8  # samples that are read; larger batches have them more than once
_STEPS = 3  # of a size, after one that is not counted
_SPARE = 0.85  # share of the memory that may be planned for
_ENOUGH = 0.95  # of the most clips a second


@frozen(kw_only=True)
class Measured:
    """One size."""

    size: int
    clips_per_second: float
    memory_bytes: int  # at most


def try_sizes(
    experiment: Experiment, largest: int, longest: float, say: Callable[[Measured], None]
) -> tuple[list[Measured], str]:
    """Measure one size after the other; why it ended.

    Args:
        experiment: Its `batch_size` does not matter.
        largest: Size that is not exceeded; neither is that of data.train, which would make a step an epoch.
        longest: Seconds that a step may take.
        say: Told of each.

    Raises:
        RunError: Not even one clip fits.
    """
    parts = evolve(assemble(experiment, ("train",)), techniques={})
    total = len(parts.datasets["train"])
    samples = _samples(parts, min(_READ, total))
    found: list[Measured] = []
    size = 1
    while size <= min(largest, total):
        if found and (expected := _expected_memory(found, size)) > _SPARE * _memory_of(parts.device):
            return found, f"{size} clips would need about {expected / 2**30:.1f} GiB"
        try:
            measured, seconds = _measure(parts, _batch(parts, samples, size))
        except torch.OutOfMemoryError:
            break
        except RunError:  # a batch norm that has one value a channel needs two clips
            if size > 1 or min(largest, total) == 1:
                raise
            size = 2
            continue
        found.append(measured)
        say(measured)
        if seconds > longest:
            return found, f"a step of {counted(size, 'clip')} takes {seconds:.1f} s"
        size *= 2
    if not found:
        raise RunError("not even one clip fits; use smaller clips, engine.techniques recompute, or another model")
    if size <= min(largest, total):
        return found, f"{size} clips do not fit"
    return found, f"--max is {largest}" if largest <= total else f"data.train has {counted(total, 'sample')}"


def conclude(found: Sequence[Measured]) -> int:
    """The smallest size that comes close to the most clips a second."""
    most = max(one.clips_per_second for one in found)
    return next(one.size for one in found if one.clips_per_second >= _ENOUGH * most)


def _samples(parts: Parts, count: int) -> list[Sample]:
    dataset, seed = parts.datasets["train"], parts.experiment.seed
    refs = [SampleRef("", 0, index) for index in range(count)]
    return [dataset.sample(ref, generator(seed, Purpose.SAMPLE, 0, ref.index))[0] for ref in refs]


def _batch(parts: Parts, samples: Sequence[Sample], size: int) -> Batch:
    return parts.task.collate([samples[number % len(samples)] for number in range(size)])


def _measure(parts: Parts, batch: Batch) -> tuple[Measured, float]:
    if parts.device.type == "cuda":
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(parts.device)
    training = evolve(build_training(parts, build_model(parts), 1), accumulate=1)
    set_training_mode(training.model, training.frozen_norm)
    seconds = []
    with parts.precision.matmul_settings():
        for step in range(_STEPS + 1):
            started = time.perf_counter()
            take_step(training, step, iter([batch]))  # reads the loss, so the device is done
            seconds.append(time.perf_counter() - started)
    fastest = statistics.median(seconds[1:])
    memory = memory_bytes(parts.device)
    return Measured(size=len(batch), clips_per_second=len(batch) / fastest, memory_bytes=memory), fastest


def _expected_memory(found: Sequence[Measured], size: int) -> float:
    """What a size will need, if it goes on as between the last two."""
    last = found[-1]
    if len(found) == 1:
        return last.memory_bytes
    growth = (last.memory_bytes - found[-2].memory_bytes) / (last.size - found[-2].size)
    return last.memory_bytes + growth * (size - last.size)


def _memory_of(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[1]
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
