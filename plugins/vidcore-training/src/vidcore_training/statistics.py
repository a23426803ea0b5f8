"""Precise batch norm: running statistics of the weights that are measured, not of those that training had."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Generator

import torch
from attrs import evolve
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from vidcore.data.loader import load_batches
from vidcore.engine.feeding import bad_videos, training_plan
from vidcore.engine.parts import Parts, Technique
from vidcore.engine.precision import inputs_channels_last
from vidcore.randomness import Purpose, generator
from vidcore.values import Batch
from vidcore_training.config import PreciseBn


class PreciseStatistics(Technique):
    """Measures at the end of epochs, in a copy; training and its statistics stay as they are.

    The batches are those that training would take next, as one process sees them, so every process finds the same and
    a run that goes on finds what it would have found.
    """

    def __init__(self, config: PreciseBn) -> None:
        self.config = config
        self.measured: tuple[int, nn.Module] | None = None  # the last: step, and the copy

    def begin(self, model: nn.Module, parts: Parts, steps_per_epoch: int) -> None:
        """Whose norms are asked whether they are frozen."""
        self.model, self.parts = model, parts

    def weights(self, module: nn.Module, step: int, *, thorough: bool) -> nn.Module:
        """A copy of `module` with other running statistics."""
        if not thorough:
            return module
        if self.measured is None or self.measured[0] != step:
            self.measured = (step, self._measure(module, step))
        return self.measured[1]

    def _measure(self, module: nn.Module, step: int) -> nn.Module:
        trained = {name: part.training for name, part in self.model.named_modules()}
        copied = copy.deepcopy(module)
        norms = [part for name, part in copied.named_modules() if isinstance(part, _NormBase) and trained[name]]
        norms = [norm for norm in norms if norm.track_running_stats]
        if not norms:
            return module
        before = [norm.momentum for norm in norms]
        copied.eval()
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean over all batches
            norm.train()
        with torch.no_grad(), contextlib.closing(self._batches(step)) as batches:
            for batch in batches:
                with self.parts.precision.autocast():
                    self.parts.task.forward(copied, batch)
        for norm, momentum in zip(norms, before, strict=True):
            norm.momentum = momentum
        return copied.eval()

    def _batches(self, step: int) -> Generator[Batch]:
        """As training prepares them."""
        parts, data = self.parts, self.parts.experiment.data
        plan = evolve(training_plan(parts, step), rank=0, world=1, accumulate=parts.chunks)
        loaded = load_batches(
            parts.datasets["train"],
            parts.task,
            plan,
            bad_videos(parts, "train"),
            seed=parts.experiment.seed,
            workers=data.workers,
            prefetch=data.prefetch,
            pin_memory=parts.device.type == "cuda",
        )
        with contextlib.closing(loaded):
            for number, batch in zip(range(self.config.batches), loaded, strict=False):
                rng = generator(parts.experiment.seed, Purpose.DEVICE, step, number)
                prepared = parts.task.prepare(batch.to(parts.device), rng, training=True)
                if parts.experiment.engine.channels_last:
                    prepared = evolve(prepared, inputs=inputs_channels_last(prepared.inputs))
                yield prepared
