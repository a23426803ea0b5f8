"""BMN: the confidence of every start and duration of a video, at once.

Paper: Lin et al., ICCV 2019, arXiv:1907.09702.
Letters: N videos, C channels, T moments of a video, S points of a proposal, P cells of the map within the video.
Route: base convolutions; two heads along time; `BoundaryMatchingLayer`; convolutions over the map.
"""

from __future__ import annotations

from typing import TypedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidcore_bmn.config import Bmn as BmnConfig
from vidcore_bmn.sampling import cells, sample_weights


class BoundaryMaps(TypedDict):
    """What the network says of a video; all after a sigmoid. A plain dict, which torch.export knows."""

    confidence: Tensor  # [N, 2, T, T]: regressed IoU, then probability of a good one; by duration and start
    start: Tensor  # [N, T]
    end: Tensor  # [N, T]


class BoundaryMatchingLayer(nn.Module):
    """Features of each proposal's points, brought together by one convolution, as a map over durations and starts.

    The paper samples first and convolves then, with S x C numbers for each cell. Both are linear, so the convolution
    goes first here, on T moments instead of T x T / 2 cells: the same sums in a part of the time and of the memory.
    """

    sampling: Tensor  # [S * T, P]
    places: Tensor  # [P], of the cells in the flat map

    def __init__(self, config: BmnConfig) -> None:
        super().__init__()
        self.length = config.length
        self.weight = nn.Parameter(torch.empty(config.width_3d, config.width_1d, config.samples))
        self.bias = nn.Parameter(torch.empty(config.width_3d))
        fan_in = config.width_1d * config.samples
        nn.init.uniform_(self.weight, -(fan_in**-0.5), fan_in**-0.5)
        nn.init.uniform_(self.bias, -(fan_in**-0.5), fan_in**-0.5)
        table = sample_weights(config.length, config.samples, config.samples_per_bin, config.context)
        inside = cells(config.length)
        places = torch.from_numpy(inside[:, 0] * config.length + inside[:, 1])
        self.register_buffer("sampling", torch.from_numpy(table).flatten(0, 1), persistent=False)
        self.register_buffer("places", places, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        convolved = torch.einsum("nct,ocs->nost", x, self.weight).flatten(2)  # [N, O, S * T]
        inside = convolved @ self.sampling.to(convolved.dtype)  # [N, O, P]
        outside = inside.new_zeros(*inside.shape[:2], self.length**2)  # cells that end after the video see nothing
        whole = outside.index_copy(2, self.places, inside) + self.bias.to(inside.dtype)[:, None]
        return F.relu(whole.unflatten(2, (self.length, self.length)))  # [N, O, T, T]


class Bmn(nn.Module):
    """See `vidcore_bmn.config.Bmn`."""

    def __init__(self, config: BmnConfig) -> None:
        super().__init__()
        wide, flat = config.width_1d, config.width_2d
        self.base = nn.Sequential(
            _conv1d(config.in_channels, wide, config.groups), nn.ReLU(), _conv1d(wide, wide, config.groups), nn.ReLU()
        )
        self.start = _boundary_head(wide, config.groups)
        self.end = _boundary_head(wide, config.groups)
        self.project = nn.Sequential(_conv1d(wide, wide), nn.ReLU())
        self.match = BoundaryMatchingLayer(config)
        self.map = nn.Sequential(
            nn.Conv2d(config.width_3d, flat, 1),
            nn.ReLU(),
            nn.Conv2d(flat, flat, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(flat, flat, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(flat, 2, 1),
            nn.Sigmoid(),
        )

    def features(self, features: Tensor) -> tuple[Tensor, ...]:
        """What both heads and the map begin with, `[N, C, T]`."""
        return (self.base(features),)

    def forward(self, features: Tensor) -> BoundaryMaps:
        (base,) = self.features(features)  # [N, C, T]
        matched = self.match(self.project(base))  # [N, O, T, T]
        return BoundaryMaps(
            confidence=self.map(matched), start=self.start(base).squeeze(1), end=self.end(base).squeeze(1)
        )


def _conv1d(inputs: int, outputs: int, groups: int = 1) -> nn.Conv1d:
    return nn.Conv1d(inputs, outputs, kernel_size=3, padding=1, groups=groups)


def _boundary_head(width: int, groups: int) -> nn.Sequential:
    return nn.Sequential(_conv1d(width, width, groups), nn.ReLU(), nn.Conv1d(width, 1, kernel_size=1), nn.Sigmoid())
