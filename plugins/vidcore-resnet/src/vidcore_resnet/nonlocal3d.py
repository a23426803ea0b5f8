"""Non-local block: every position of a map looks at every other one, over space and time.

Paper: Wang et al., CVPR 2018, arXiv:1711.07971. Names theta, phi, g follow the paper.
Letters: N batch, C channels, D inner channels, L positions that look (T*H*W), M positions looked at (L, or L/4).
"""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

from vidcore_resnet.plans import NonLocalMode


class NonLocal3d(nn.Module):
    """Adds to each position a weighted mean of all positions.

    Args:
        channels: C of the maps `[N, C, T, H, W]` in and out.
        mode: Which pairwise function weighs the positions.
        sub_sample: Max-pool the positions looked at by 2 in height and width.
        use_scale: Divide by sqrt(D) before the softmax; only "embedded_gaussian" knows it.
        inner_channels: D; half of C when left out, as in the paper.
    """

    def __init__(
        self,
        channels: int,
        *,
        mode: NonLocalMode = "embedded_gaussian",
        sub_sample: bool = True,
        use_scale: bool = False,
        inner_channels: int | None = None,
    ) -> None:
        super().__init__()
        inner = inner_channels or max(channels // 2, 1)
        self.mode = mode
        self.scale = 1.0 / math.sqrt(inner) if use_scale else 1.0
        self.pool = nn.MaxPool3d((1, 2, 2)) if sub_sample else nn.Identity()
        self.g = nn.Conv3d(channels, inner, 1)
        self.theta = nn.Identity() if mode == "gaussian" else nn.Conv3d(channels, inner, 1)
        self.phi = nn.Identity() if mode == "gaussian" else nn.Conv3d(channels, inner, 1)
        self.project = nn.Linear(2 * inner, 1, bias=False) if mode == "concatenation" else None
        self.out = nn.Conv3d(inner, channels, 1, bias=False)
        self.norm = nn.BatchNorm3d(channels)
        self.init_weights()

    def init_weights(self) -> None:
        """Small random projections; the last norm starts at zero, so that the block starts as the identity."""
        for layer in (self.g, self.theta, self.phi, self.out):
            if isinstance(layer, nn.Conv3d):
                nn.init.normal_(layer.weight, std=0.01)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.norm.weight)
        nn.init.zeros_(self.norm.bias)

    def forward(self, x: Tensor) -> Tensor:
        query = self.theta(x).flatten(2).transpose(1, 2)  # [N, L, D]
        key = self.pool(self.phi(x)).flatten(2).transpose(1, 2)  # [N, M, D]
        value = self.pool(self.g(x)).flatten(2).transpose(1, 2)  # [N, M, D]
        mixed = self.look(query, key, value)  # [N, L, D]
        mixed = mixed.transpose(1, 2).reshape(x.shape[0], -1, *x.shape[2:])  # [N, D, T, H, W]
        result: Tensor = x + self.norm(self.out(mixed))
        return result

    def look(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """The weighted mean `[N, L, D]` of `value [N, M, D]` that each query `[N, L, D]` sees."""
        if self.mode == "dot_product":  # no softmax, so the brackets may move: D*D numbers instead of L*M
            return query @ ((key / key.shape[1]).transpose(1, 2) @ value)
        if self.project is not None:
            by_query, by_key = self.project.weight.chunk(2, dim=1)  # [1, D] each
            pairs = F.relu(query @ by_query.T + (key @ by_key.T).transpose(1, 2))  # [N, L, M]
            return (pairs / key.shape[1]) @ value
        # both Gaussian modes are attention with one head; sdpa keeps no L*M pairs where the device can avoid it
        return F.scaled_dot_product_attention(query, key, value, scale=self.scale)
