"""Running statistics of batch norms that every process agrees on, as if one process had seen all chunks in turn.

A batch norm keeps r <- (1 - m) r + m s, with s the statistics of a chunk and m its momentum. One process that sees the
chunks 0 ... A-1 of a step ends with (1 - m)^A r + sum over i of (1 - m)^(A-1-i) m s_i. That is a sum over chunks, so
each process adds up the terms of its own (m s is what a forward pass added), and one all-reduce at the end of the step
gives all of them the same result: that of one process, up to rounding.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from attrs import define, field
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase


@define(eq=False)
class Tracked:
    """One running mean or variance during a step."""

    live: Tensor
    momentum: float | None  # None: a plain mean over everything seen
    start: Tensor = field()
    before: Tensor = field()
    terms: Tensor = field()

    @start.default
    def _start(self) -> Tensor:
        return self.live.clone()

    @before.default
    def _before(self) -> Tensor:
        return self.live.clone()

    @terms.default
    def _terms(self) -> Tensor:
        return torch.zeros_like(self.live)


class SharedStatistics:
    """Watches the batch norms of a model over the chunks of a step.

    Args:
        model: Whose batch norms are not synchronised in their forward pass already.
        rank: Of this process: it runs the chunks rank, rank + world, ...
        world: Number of processes.
        group: For the all-reduce, on the model's device.
    """

    def __init__(self, model: nn.Module, rank: int, world: int, group: dist.ProcessGroup | None) -> None:
        self.rank, self.world, self.group = rank, world, group
        self._norms = [
            module
            for module in model.modules()
            if isinstance(module, _NormBase)
            and not isinstance(module, nn.SyncBatchNorm)
            and module.running_mean is not None
        ]
        self._tracked: list[Tracked] = []
        self._counters: list[tuple[Tensor, Tensor]] = []  # of chunks seen: live, and at the start of the step
        self._chunks = 0

    @torch.no_grad()
    def begin(self) -> None:
        """A step starts. Norms in evaluation mode keep what they have."""
        active = [norm for norm in self._norms if norm.training]
        self._tracked = [
            Tracked(buffer, norm.momentum)
            for norm in active
            for buffer in (norm.running_mean, norm.running_var)
            if buffer is not None
        ]
        counters = [norm.num_batches_tracked for norm in active if norm.num_batches_tracked is not None]
        self._counters = [(counter, counter.clone()) for counter in counters]
        self._chunks = 0

    @torch.no_grad()
    def chunk_done(self) -> None:
        """Take the term of the chunk whose forward pass has just ended."""
        for one in self._tracked:
            if one.momentum is not None:
                keep = 1.0 - one.momentum
                one.terms.mul_(keep**self.world).add_(one.live - keep * one.before)
                one.before.copy_(one.live)
        self._chunks += 1

    @torch.no_grad()
    def share(self) -> None:
        """The step ends: give every process the statistics after all chunks."""
        if not self._tracked:
            return
        flat = torch.cat([self._contribution(one).flatten() for one in self._tracked])
        dist.all_reduce(flat, group=self.group)
        total = self._chunks * self.world
        parts = torch.split(flat, [one.live.numel() for one in self._tracked])
        for one, summed in zip(self._tracked, parts, strict=True):
            keep = 0.0 if one.momentum is None else (1.0 - one.momentum) ** total
            one.live.copy_(one.start * keep + summed.view_as(one.live))
        for live, start in self._counters:
            live.copy_(start + total)

    def _contribution(self, one: Tracked) -> Tensor:
        if one.momentum is None:
            return one.live / self.world
        return one.terms * (1.0 - one.momentum) ** (self.world - 1 - self.rank)
