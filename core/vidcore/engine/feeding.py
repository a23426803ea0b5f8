"""Batches for the loop and for evaluation: the experiment's data sets, plans and workers put together."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import torch

from vidcore.data.bad_videos import BadVideos
from vidcore.data.loader import load_batches
from vidcore.data.plan import EvaluationPlan, Plan, TrainingPlan
from vidcore.engine.parts import Parts
from vidcore.interfaces import ChoosesSamples, Dataset
from vidcore.values import Batch


def training_plan(parts: Parts, start_step: int = 0) -> TrainingPlan:
    """Which samples each step takes, from a step on."""
    config: Any = parts.experiment.data.train
    dataset: Any = parts.datasets["train"]
    chooses = isinstance(dataset, ChoosesSamples)
    return TrainingPlan(
        num_samples=dataset.samples_per_epoch if chooses else len(dataset),
        choose=dataset.order if chooses else None,
        batch_size=config.batch_size,
        seed=parts.experiment.seed,
        start_step=start_step,
        accumulate=parts.chunks // parts.parallel.world,
        rank=parts.parallel.rank,
        world=parts.parallel.world,
    )


def bad_videos(parts: Parts, split: str, file: Path | None = None) -> BadVideos:
    """What becomes of unreadable videos: replaced in training, left out of figures; or the run stops at the first.

    They are listed in `file`.
    """
    data = parts.experiment.data
    fail = data.on_bad_video == "fail"
    return BadVideos(
        action="fail" if fail else ("replace" if split == "train" else "skip"),
        num_samples=len(parts.datasets[split]),
        max_fraction=data.max_bad_fraction,
        file=file,
    )


def training_batches(
    parts: Parts, start_step: int, bad: BadVideos
) -> contextlib.AbstractContextManager[Iterator[Batch]]:
    """Chunks without end, from a step on; leaving the context ends the workers."""
    plan: Plan = training_plan(parts, start_step)
    dataset = parts.datasets["train"]
    for technique in parts.techniques.values():
        plan, dataset = technique.plan(plan), technique.dataset(dataset)
    return _batches(parts, dataset, plan, bad)


def evaluation_batches(parts: Parts, split: str, bad: BadVideos) -> contextlib.AbstractContextManager[Iterator[Batch]]:
    """Every sample of a split once, in order, shared over processes; leaving the context ends the workers."""
    config: Any = getattr(parts.experiment.data, split)
    parallel, size = parts.parallel, len(parts.datasets[split])
    plan = EvaluationPlan(num_samples=size, batch_size=config.batch_size, rank=parallel.rank, world=parallel.world)
    return _batches(parts, parts.datasets[split], plan, bad)


@contextlib.contextmanager
def _batches(parts: Parts, dataset: Dataset, plan: Plan, bad: BadVideos) -> Generator[Iterator[Batch]]:
    data = parts.experiment.data
    batches = load_batches(
        dataset,
        parts.task,
        plan,
        bad,
        seed=parts.experiment.seed,
        workers=data.workers,
        prefetch=data.prefetch,
        pin_memory=parts.device.type == "cuda",
    )
    # pinning takes the current device, which else were the first GPU, whoever has filled it; -1 changes nothing
    with contextlib.closing(batches), torch.cuda.device(parts.device.index or -1):
        yield sent_ahead(batches, parts.device) if parts.device.type == "cuda" else batches


def sent_ahead(batches: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """Batches on a GPU, each copied on a stream of its own while the one before is computed with.

    A copy may get the memory of a batch that is done with, so it waits for what was to be computed before it was begun.
    """
    computing = torch.cuda.current_stream(device)
    copying = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    here: Batch | None = None
    for batch in batches:
        copying.wait_stream(computing)
        with torch.cuda.stream(copying):
            coming = batch.to(device)
        copied = copying.record_event()
        if here is not None:
            yield here
        computing.wait_event(copied)
        here = coming
    if here is not None:
        yield here
