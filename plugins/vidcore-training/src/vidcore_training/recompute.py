"""Activation checkpointing over the blocks that a model declares."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils.checkpoint import checkpoint

from vidcore.engine.parts import Parts, Technique
from vidcore.errors import ConfigError
from vidcore_training.config import Recompute


class RecomputeBlocks(Technique):
    """Wraps the forward of each block; modules, parameters and names stay what they are."""

    def __init__(self, config: Recompute) -> None:
        self.config = config

    def begin(self, model: nn.Module, parts: Parts, steps_per_epoch: int) -> None:
        """Wrap.

        Raises:
            ConfigError: The model declares no blocks.
        """
        declare = getattr(model, "blocks", None)
        blocks = list(declare()) if callable(declare) else []
        if not blocks:
            raise ConfigError(f"engine.techniques: {type(model).__name__} declares no blocks() to compute again")
        for block in blocks:
            block.forward = partial(_forgetting, block.forward)  # a bound method: copies of the block bind their own


def _forgetting(forward: Callable[..., Any], *inputs: Any, **options: Any) -> Any:
    if not torch.is_grad_enabled():
        return forward(*inputs, **options)
    block: nn.Module = forward.__self__  # type: ignore[attr-defined]
    norms = [part for part in block.modules() if isinstance(part, _NormBase)]
    contexts = partial(_contexts, norms)
    return checkpoint(forward, *inputs, use_reentrant=False, context_fn=contexts, **options)


def _contexts(norms: list[_NormBase]) -> tuple[Any, Any]:
    """What the first forward pass runs in, and the second."""
    return contextlib.nullcontext(), _still(norms)


@contextlib.contextmanager
def _still(norms: list[_NormBase]) -> Iterator[None]:
    """Batch norms normalise as in training, and do not count the batch a second time."""
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count
