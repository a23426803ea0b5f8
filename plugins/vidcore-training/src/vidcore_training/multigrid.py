"""Multigrid training: batches whose shape changes from step to step, and batch norms that see as many clips as usual.

Route: `MultigridTraining` puts `grid.py` into effect; `MultigridPlan` chooses the samples of a step, `MultigridDataset`
reads them in its shape, `SubBatchNorm` normalises parts of a large batch.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs
import numpy as np
import torch
import torch.nn.functional as F
from attrs import evolve
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vidcore.config.base import DatasetConfig
from vidcore.data.clip_shape import clip_shape
from vidcore.data.clips import DataContext
from vidcore.data.plan import Plan, TrainingPlan
from vidcore.data.transform_config import Size
from vidcore.engine.parts import Parts, Technique
from vidcore.errors import ConfigError
from vidcore.interfaces import Dataset, Finding
from vidcore.plugins import build
from vidcore.values import Sample, SampleRef
from vidcore_training.config import Multigrid
from vidcore_training.grid import Grid

_SIDES = ("size", "short_side", "long_side")  # options of transforms that are pixels


class MultigridTraining(Technique):
    """The technique."""

    def __init__(self, config: Multigrid) -> None:
        self.config = config

    def begin(self, model: nn.Module, parts: Parts, steps_per_epoch: int) -> None:
        """Know the grid; batch norms learn to normalise in parts.

        Raises:
            ConfigError: The clips have no known size, or no schedule tells where cycles end.
        """
        train: Any = parts.experiment.data.train
        schedule = parts.experiment.schedule
        unit = steps_per_epoch if getattr(schedule, "by", "epoch") == "step" else 1
        ends = self.config.ends or tuple(milestone / unit for milestone in getattr(schedule, "milestones", ()))
        if self.config.long_cycle and not ends:
            raise ConfigError(
                "engine.techniques: multigrid: nothing tells where its long cycles end; give `ends`, in epochs, use "
                "the schedule multistep, or set long_cycle = false"
            )
        self.grid = Grid(
            batch=train.batch_size,
            frames=_full_frames(train),
            ends=tuple(round(end * steps_per_epoch) for end in ends),
            long_cycle=self.config.long_cycle,
            short_cycle=self.config.short_cycle,
        )
        self.train, self.sub_batch = train, self.config.sub_batch or train.batch_size
        self.norms = split_norms(model)

    def plan(self, plan: Plan) -> Plan:
        """Batches of the grid."""
        assert isinstance(plan, TrainingPlan)
        return MultigridPlan(plan, self.grid)  # type: ignore[return-value]

    def dataset(self, dataset: Dataset) -> Dataset:
        """Clips of the grid."""
        return MultigridDataset(dataset, self.train, self.grid)

    def before_step(self, optimizer: torch.optim.Optimizer, step: int) -> None:
        """The rate is that of the long cycle's batch, and so are the parts; the short cycle's only become larger."""
        for group in optimizer.param_groups:
            group["lr"] *= self.grid.rate(step)
        for norm in self.norms:
            norm.parts = max(round(self.grid.rate(step) * self.grid.batch / self.sub_batch), 1)

    def after_step(self, model: nn.Module, step: int) -> None:
        """What measures between steps has usual batches."""
        for norm in self.norms:
            norm.parts = 1


class MultigridPlan:
    """References of each chunk. Epochs of the data follow one another without a break, whatever a step takes of them.

    `SampleRef.source` carries the number of the shape.
    """

    def __init__(self, base: TrainingPlan, grid: Grid) -> None:
        self.base, self.grid = base, grid
        self.shapes = grid.shapes()

    def __iter__(self) -> Iterator[list[SampleRef]]:
        base = self.base
        chunks = base.accumulate * base.world
        place = self.grid.clips_before(base.start_step) * chunks
        order, order_epoch = base.order(0), 0
        for step in itertools.count(base.start_step):
            shape = self.grid.shape(step)
            source = str(self.shapes.index((shape.frames, shape.side)))
            for chunk in range(base.rank, chunks, base.world):
                refs = []
                for number in range(place + chunk * shape.batch, place + (chunk + 1) * shape.batch):
                    epoch, position = divmod(number, base.num_samples)
                    if epoch != order_epoch:
                        order, order_epoch = base.order(epoch), epoch
                    refs.append(SampleRef(source, epoch, int(order[position])))
                yield refs
            place += shape.batch * chunks


class MultigridDataset:
    """A data set in several shapes, which share its rows.

    A clip of fewer frames than the full one is spread over the same part of the video or a shorter one: the step
    between its frames is drawn, from that of the full clip to as many times longer as it has fewer frames.
    """

    def __init__(self, dataset: Dataset, train: DatasetConfig, grid: Grid) -> None:
        context = getattr(dataset, "context", None)
        if not isinstance(context, DataContext):
            raise ConfigError(f"engine.techniques: multigrid cannot change the clips of {type(dataset).__name__}")
        self.dataset = dataset
        self.by_shape = [
            [_reshaped(dataset, context, train, frames, side, interval) for interval in _intervals(train, grid, frames)]
            for frames, side in grid.shapes()
        ]

    @property
    def classes(self) -> Sequence[str]:
        return self.dataset.classes

    def __len__(self) -> int:
        return len(self.dataset)

    def where(self, index: int) -> str:
        """How to call a sample in messages."""
        named: str = self.dataset.where(index) if hasattr(self.dataset, "where") else f"sample {index}"
        return named

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        """The sample in the shape that its plan chose."""
        choices = self.by_shape[int(ref.source)]
        return choices[int(rng.integers(len(choices)))].sample(ref, rng)

    def check(self, deep: bool = False) -> Iterable[Finding]:
        """That of the data set."""
        return self.dataset.check(deep)


class SubBatchNorm(_BatchNorm):
    """A batch norm that normalises `parts` parts of a batch, each by itself, and counts them as one batch."""

    def __init__(self, norm: _BatchNorm) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
        self.weight, self.bias = norm.weight, norm.bias  # the same objects, so names and values stay
        for name, buffer in norm.named_buffers(recurse=False):
            self.register_buffer(name, buffer)
        self.training, self.parts = norm.training, 1

    def _check_input_dim(self, input: Tensor) -> None:
        pass  # as many as the norm took whose place this is

    def forward(self, input: Tensor) -> Tensor:
        """Normalise `[N, C, ...]`."""
        if not self.training or self.parts == 1 or self.running_mean is None or self.running_var is None:
            return super().forward(input)
        pieces, means, variances = [], [], []
        for piece in input.tensor_split(self.parts):
            mean, variance = torch.zeros_like(self.running_mean), torch.zeros_like(self.running_var)
            pieces.append(F.batch_norm(piece, mean, variance, self.weight, self.bias, True, 1.0, self.eps))
            means.append(mean)
            variances.append(variance)
        self._count(torch.stack(means), torch.stack(variances))
        return torch.cat(pieces)

    @torch.no_grad()
    def _count(self, means: Tensor, variances: Tensor) -> None:
        """One batch: the mean of all parts, and the variance around it."""
        assert self.num_batches_tracked is not None and self.running_mean is not None and self.running_var is not None
        self.num_batches_tracked.add_(1)
        share = self.momentum if self.momentum is not None else 1.0 / float(self.num_batches_tracked)
        self.running_mean.lerp_(means.mean(dim=0), share)
        self.running_var.lerp_(variances.mean(dim=0) + means.var(dim=0, unbiased=False), share)


def split_norms(model: nn.Module) -> list[SubBatchNorm]:
    """Put a SubBatchNorm in the place of every batch norm; they share parameters and buffers, and names."""
    found = []
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
                found.append(SubBatchNorm(child))
                parent.register_module(name, found[-1])
    return found


def _full_frames(train: DatasetConfig) -> int:
    """Frames of the clips of training, whose sides are known as well."""
    if not hasattr(train.sampling, "num_frames") or not hasattr(train.sampling, "frame_interval"):
        raise ConfigError("engine.techniques: multigrid needs a sampling with num_frames and frame_interval, as dense")
    _, frames, height, width = clip_shape(train)
    if not isinstance(frames, int) or not isinstance(height, int) or not isinstance(width, int):
        raise ConfigError(
            "engine.techniques: multigrid has to know the size of the clips; end data.train.transforms with a crop"
        )
    return frames


def _intervals(train: Any, grid: Grid, frames: int) -> range:
    interval = train.sampling.frame_interval
    return range(interval, max(interval, round(interval * grid.frames / frames)) + 1)


def _reshaped(dataset: Dataset, context: DataContext, train: Any, frames: int, side: float, interval: int) -> Dataset:
    """The same rows, read in another shape."""
    changed = copy.copy(dataset)
    changed.context = evolve(  # type: ignore[attr-defined]
        context,
        sampling=build(evolve(train.sampling, num_frames=frames, frame_interval=interval)),
        transforms={name: build(_scaled(transform, side)) for name, transform in train.transforms.items()},
    )
    return changed


def _scaled(transform: Any, side: float) -> Any:
    names = [entry.name for entry in attrs.fields(type(transform)) if entry.name in _SIDES]
    values = {name: getattr(transform, name) for name in names}
    scaled = {name: _times(value, side) for name, value in values.items() if value is not None}
    if isinstance(values.get("short_side"), tuple):  # a range: the highest stays, so a small clip may be a narrow part
        lowest, highest = values["short_side"]
        scaled["short_side"] = (round(lowest * side), highest)
    return evolve(transform, **scaled)


def _times(size: Size, side: float) -> Size:
    return round(size * side) if isinstance(size, int) else (round(size[0] * side), round(size[1] * side))
