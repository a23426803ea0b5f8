"""An exponential moving average of the weights, kept beside the model.

Floating parameters are averaged; buffers (running statistics, counters) are copied, since they are averages already.
"""

from __future__ import annotations

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from vidcore.config.experiment import Ema


def make_ema(model: nn.Module, config: Ema | None) -> AveragedModel | None:
    """The average, which starts as the weights after the first step. `.module` is a model to evaluate and to save."""
    if config is None:
        return None
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.decay))  # type: ignore[no-untyped-call]
