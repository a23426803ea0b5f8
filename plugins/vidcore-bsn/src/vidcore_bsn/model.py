"""BSN's two networks: curves of a video, and the fit of a candidate.

Paper: Lin et al., ECCV 2018, arXiv:1806.02964.
Letters: N videos, C channels, T moments, R candidates of all videos.
"""

from __future__ import annotations

from typing import TypedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidcore_bsn.config import Pem as PemConfig
from vidcore_bsn.config import Tem as TemConfig


class Curves(TypedDict):
    """Probabilities of each moment. A plain dict, which torch.export knows."""

    action: Tensor  # [N, T]
    start: Tensor  # [N, T]
    end: Tensor  # [N, T]


class Fits(TypedDict):
    """How well candidates fit."""

    iou: Tensor  # [R]


class Tem(nn.Module):
    """See `vidcore_bsn.config.Tem`."""

    def __init__(self, config: TemConfig) -> None:
        super().__init__()
        self.scales = config.scales
        self.conv1 = nn.Conv1d(config.in_channels, config.width, kernel_size=3, padding=1)
        self.conv2 = nn.Conv1d(config.width, config.width, kernel_size=3, padding=1)
        self.conv3 = nn.Conv1d(config.width, 3, kernel_size=1)
        for layer in (self.conv1, self.conv2, self.conv3):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def features(self, features: Tensor) -> tuple[Tensor, ...]:
        """The last hidden layer, `[N, C, T]`."""
        hidden = F.relu(self.scales[0] * self.conv1(features))
        return (F.relu(self.scales[1] * self.conv2(hidden)),)

    def forward(self, features: Tensor) -> Curves:
        (hidden,) = self.features(features)
        action, start, end = torch.sigmoid(self.scales[2] * self.conv3(hidden)).unbind(dim=1)
        return Curves(action=action, start=start, end=end)


class Pem(nn.Module):
    """See `vidcore_bsn.config.Pem`."""

    def __init__(self, config: PemConfig) -> None:
        super().__init__()
        self.scales = config.scales
        self.fc1 = nn.Linear(config.in_channels, config.width)
        self.fc2 = nn.Linear(config.width, 1)
        for layer in (self.fc1, self.fc2):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def features(self, candidates: Tensor) -> tuple[Tensor, ...]:
        """The hidden layer, `[R, C]`."""
        return (F.relu(self.scales[0] * self.fc1(candidates)),)

    def forward(self, candidates: Tensor) -> Fits:
        (hidden,) = self.features(candidates)
        return Fits(iou=torch.sigmoid(self.scales[1] * self.fc2(hidden)).squeeze(1))
