"""Measuring an assembled experiment's model on one of its splits, with the predictions written to a file."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from attrs import frozen
from torch import nn

from vidcore.config import to_table
from vidcore.config.experiment import Experiment
from vidcore.engine.assembly import assemble, build_model
from vidcore.engine.evaluation import Forward, Scored, measure, predict_batches
from vidcore.engine.feeding import bad_videos, evaluation_batches
from vidcore.engine.parallel import open_parallel
from vidcore.engine.parts import Parts
from vidcore.engine.precision import determinism
from vidcore.engine.predictions import Predictions, merge_shards, write_predictions
from vidcore.errors import ConfigError
from vidcore.weights.loading import load_weights


@frozen(kw_only=True)
class Measured:
    """Figures, and what they leave out."""

    metrics: dict[str, float]  # fractions
    num_samples: int  # that were measured
    left_out: str  # in words, the samples that could not be read; empty when all could


class Interrupted(Exception):  # noqa: N818 - caught by the runner, which saves and leaves
    """A signal came while the model was being measured."""


def measure_split(
    parts: Parts,
    model: nn.Module,
    split: str,
    output: Path | None,
    progress: Callable[[int], None] = lambda done: None,
    bad_list: Path | None = None,
) -> Measured:
    """Figures of a model on a split, of which every process predicts a share.

    Args:
        parts: The experiment, assembled with that split.
        model: On the device of `parts`.
        split: "train", "val" or "test".
        output: Where the predictions are written; None: nowhere.
        progress: Called with the number of samples done; may raise Interrupted, which then all processes do.
        bad_list: Where videos that cannot be read are listed; None: nowhere.
    """
    config = getattr(parts.experiment.data, split)
    forward = Forward(
        task=parts.task,
        device=parts.device,
        precision=parts.precision,
        channels_last=parts.experiment.engine.channels_last,
        max_per_forward=config.views.max_per_forward,
    )
    bad = bad_videos(parts, split, bad_list)
    total, world = len(parts.datasets[split]), parts.parallel.world
    mine: list[Scored] | None = None
    with contextlib.suppress(Interrupted), evaluation_batches(parts, split, bad) as batches:
        mine = predict_batches(model, batches, forward, lambda done: progress(min(done * world, total)))
    shards = parts.parallel.gather((mine, bad.found))
    if any(shard is None for shard, _ in shards):
        raise Interrupted
    scored = merge_shards(shard for shard, _ in shards if shard is not None)
    for _, found in shards:
        bad.found.update(found)
    bad.add([])  # all together they may be too many

    def conclude() -> dict[str, float]:
        if output is not None:
            task = to_table(parts.experiment.task)
            write_predictions(output, Predictions(split=split, task=task, classes=parts.classes, samples=scored))
        return measure(scored, parts.metrics())

    return Measured(metrics=parts.parallel.on_first(conclude), num_samples=len(scored), left_out=bad.summary)


def measure_weights(
    experiment: Experiment,
    weights: Path | str,
    *,
    split: str = "test",
    output: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Measured:
    """Measure weights on a split of an experiment: what `vidcore test` does.

    Args:
        experiment: As `vidcore.load_experiment` gives it.
        weights: A path, an address, or the name of published weights.
        split: "test" falls back to "val" where the experiment has no test split.
        output: Where the predictions are written; None: nowhere.
        progress: Called with the number of samples done and of all.

    Raises:
        ConfigError: The experiment has no such split, or no metric.
        WeightsError: The weights cannot be had or do not fit.
    """
    if split == "test" and experiment.data.test is None:
        split = "val"
    if not experiment.metrics and output is None:
        raise ConfigError("the experiment has no [metrics.NAME], so there is nothing to measure")
    with contextlib.ExitStack() as stack:
        parts = assemble(experiment, (split,), stack.enter_context(open_parallel(experiment)))
        model = build_model(parts)
        load_weights(model, weights)
        total = len(parts.datasets[split])
        stack.enter_context(determinism(experiment.engine.deterministic))
        stack.enter_context(parts.precision.matmul_settings())
        return measure_split(parts, model, split, output, lambda done: progress(done, total))
