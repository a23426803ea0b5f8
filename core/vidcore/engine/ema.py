"""An exponential moving average of the weights, kept beside the model.

Running statistics are averaged with the parameters: those of the current weights do not fit averaged ones, and while
the learning rate is high a network evaluated with them is right by chance only.
"""

from __future__ import annotations

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from vidcore.config.experiment import Ema


def make_ema(model: nn.Module, config: Ema | None) -> AveragedModel | None:
    """The average, which starts as the weights after the first step. `.module` is a model to evaluate and to save."""
    if config is None:
        return None
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.decay), use_buffers=True)  # type: ignore[no-untyped-call]
