"""The classifier that most families end with."""

from __future__ import annotations

from torch import Tensor, nn

from vidcore.errors import ConfigError


class Classifier(nn.Module):
    """Dropout and one linear layer, from pooled channels to logits.

    Args:
        channels: Pooled channels.
        num_classes: K.
        dropout: Share of the channels that training drops.
        init_std: Standard deviation of the first weights; small, so that first predictions are close to uniform.

    Raises:
        ConfigError: `num_classes` is None, as it is before an experiment has asked its data.
    """

    def __init__(self, channels: int, num_classes: int | None, *, dropout: float = 0.5, init_std: float = 0.01) -> None:
        super().__init__()
        if num_classes is None:
            raise ConfigError("model.num_classes is not known: give it, or build the model from a whole experiment")
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels, num_classes)
        nn.init.normal_(self.fc.weight, std=init_std)
        nn.init.zeros_(self.fc.bias)

    def forward(self, pooled: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.dropout(pooled))  # [..., channels]
        return logits  # [..., K]
