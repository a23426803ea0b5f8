"""What happens to gradients between backward pass and optimizer step, and what is undone when a step is bad."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from vidcore.config.experiment import ClipGrad


def clip_gradients(parameters: Iterable[Tensor], clip: ClipGrad | None) -> Tensor:
    """Clip as asked; the 2-norm of all gradients before clipping by norm, which is not finite where one of them is not.

    Args:
        parameters: Those that are trained.
        clip: By value first, then by norm; None: not at all.
    """
    parameters = list(parameters)
    if clip is not None and clip.value is not None:
        nn.utils.clip_grad_value_(parameters, clip.value)
    if clip is not None and clip.norm is not None:
        norm = nn.utils.clip_grad_norm_(parameters, clip.norm)
    else:
        norm = nn.utils.get_total_norm([one.grad for one in parameters if one.grad is not None])
    # of sharded gradients each process has a part of the norm: put together by name, not by how a number is read
    return norm.full_tensor() if hasattr(norm, "full_tensor") else norm


class RunningStatistics:
    """The running statistics of a model's batch norms, remembered so that a bad step can be taken back.

    A forward pass with a value that is not finite ruins them, although the optimizer step is skipped afterwards.
    """

    def __init__(self, model: nn.Module) -> None:
        norms = [module for module in model.modules() if isinstance(module, _NormBase)]
        self.live = [buffer for norm in norms for buffer in norm.buffers(recurse=False)]
        self.kept = [buffer.clone() for buffer in self.live]

    @torch.no_grad()
    def remember(self) -> None:
        if self.live:
            torch._foreach_copy_(self.kept, self.live)

    @torch.no_grad()
    def restore(self) -> None:
        if self.live:
            torch._foreach_copy_(self.live, self.kept)
