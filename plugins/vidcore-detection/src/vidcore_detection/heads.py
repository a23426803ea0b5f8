"""From what was pooled in a box to logits of actions. Letters: R boxes, C channels, S cells a side, K classes."""

from __future__ import annotations

from torch import Tensor, nn

from vidcore.errors import ConfigError
from vidcore_detection.model_config import Pool
from vidcore_detection.pooling import pool_space


class ActionHead(nn.Module):
    """Dropout, the pool over cells, and one or two linear layers.

    Args:
        channels: C.
        num_classes: K.
        spatial_pool: Of the cells of a box.
        dropout: Share of the entries that training drops, before they are pooled.
        hidden_layer: A layer with ReLU before the last, as wide as its input.
        spare_output: The last layer has a first output that no class answers to.
        init_std: Standard deviation of the first weights.

    Raises:
        ConfigError: `num_classes` is None, as it is before an experiment has asked its data.
    """

    def __init__(
        self,
        channels: int,
        num_classes: int | None,
        *,
        spatial_pool: Pool = "max",
        dropout: float = 0.5,
        hidden_layer: bool = False,
        spare_output: bool = False,
        init_std: float = 0.01,
    ) -> None:
        super().__init__()
        if num_classes is None:
            raise ConfigError("model.num_classes is not known: give it, or build the model from a whole experiment")
        self.spatial_pool = spatial_pool
        self.spare = int(spare_output)
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Sequential(nn.Linear(channels, channels), nn.ReLU()) if hidden_layer else nn.Identity()
        self.fc = nn.Linear(channels, num_classes + self.spare)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=init_std)
                nn.init.zeros_(module.bias)

    def forward(self, regions: Tensor) -> Tensor:
        return self.outputs(regions)[:, self.spare :]  # [R, K]

    def outputs(self, regions: Tensor) -> Tensor:
        """All outputs of the last layer, the spare one first where there is one."""
        pooled = pool_space(self.dropout(regions), self.spatial_pool)  # [R, C]
        logits: Tensor = self.fc(self.hidden(pooled))
        return logits
