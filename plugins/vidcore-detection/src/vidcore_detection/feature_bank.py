"""Long-term feature banks: what was seen of persons around a clip, and how an actor makes use of it.

Paper: Wu et al., Long-Term Feature Banks for Detailed Video Understanding, CVPR 2019, arXiv:1812.05038.
Letters: N clips, R boxes of all clips, C channels of a box, B of the bank, L latent ones, M features around a clip.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidcore.errors import ConfigError
from vidcore_detection import fusion_config


def features_around(
    features: Mapping[int, Tensor], second: int, *, window: int, per_second: int, channels: int,
    rng: np.random.Generator | None = None,
) -> Tensor:  # fmt: skip
    """Features of the seconds around one, `per_second` rows each; where there are fewer, the rest is zero.

    Args:
        features: Of each second, `[n, B]`, or `[B]` for a single one.
        second: The middle; the window starts `window // 2` before it.
        window: Seconds.
        per_second: Features of a second at most.
        channels: B.
        rng: Chooses among more; without it the first ones are taken.

    Returns:
        `[window * per_second, B]`, float32.
    """
    bank = torch.zeros(window, per_second, channels)
    for row, own in enumerate(window_of(second, window)):
        if own not in features:
            continue
        found = features[own].float().reshape(-1, channels)
        if len(found) > per_second:
            order = np.arange(len(found)) if rng is None else rng.permutation(len(found))
            found = found[torch.from_numpy(order[:per_second])]
        bank[row, : len(found)] = found
    return bank.flatten(0, 1)


def window_of(second: int, window: int) -> range:
    """The seconds that are looked at: `window` of them, the first `window // 2` before `second`."""
    return range(second - window // 2, second - window // 2 + window)


class BankAttention(nn.Module):
    """The actor looks at the bank: scaled dot-product attention, norm and ReLU before the last projection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(channels, channels) for _ in range(4))
        self.norm = nn.LayerNorm(channels)

    def forward(self, actor: Tensor, bank: Tensor) -> Tensor:
        query, key, value = self.query(actor), self.key(bank), self.value(bank)  # [R, L], [R, M, L] twice
        weights = torch.einsum("rl,rml->rm", query, key) / math.sqrt(query.shape[1])
        seen = torch.einsum("rm,rml->rl", weights.softmax(dim=1), value)
        out: Tensor = self.out(F.relu(self.norm(seen)))
        return out  # [R, L]


class FeatureBank(nn.Module):
    """What was pooled in a box, and beside it what the bank adds to it.

    Args:
        options: How the bank is looked at.
        region_channels: C.
        map_channels: Of the map, which is not looked at.
    """

    def __init__(self, options: fusion_config.FeatureBank, region_channels: int, map_channels: int) -> None:
        super().__init__()
        self.operator, self.bank_channels = options.operator, options.bank_channels
        attends = options.operator == "non-local"
        self.out_channels = region_channels + (options.latent_channels if attends else options.bank_channels)
        if attends:
            self.short = nn.Sequential(
                nn.Linear(region_channels, options.latent_channels), nn.Dropout(options.short_dropout)
            )
            self.long = nn.Sequential(
                nn.Linear(options.bank_channels, options.latent_channels), nn.Dropout(options.long_dropout)
            )
            self.layers = nn.ModuleList(BankAttention(options.latent_channels) for _ in range(options.layers))

    def forward(self, regions: Tensor, flat: Tensor, clips: Tensor, bank: Tensor | None = None) -> Tensor:
        """Both, side by side.

        Args:
            regions: What was pooled in boxes, `[R, C, S, S]`.
            flat: Not used.
            clips: Which clip each box belongs to, `[R]`.
            bank: Features around each clip, `[N, M, B]`.

        Returns:
            `[R, out_channels, 1, 1]`.

        Raises:
            ConfigError: There is no bank, or its features have another number of channels.
        """
        if bank is None:
            raise ConfigError("model.fusion is a feature bank, but samples have no input `bank`; give the data set one")
        if bank.shape[2] != self.bank_channels:
            raise ConfigError(
                f"the bank has features of {bank.shape[2]} channels, model.fusion.bank_channels is {self.bank_channels}"
            )
        actor, around = regions.amax(dim=(2, 3)), bank[clips]  # [R, C], [R, M, B]
        if self.operator == "non-local":
            added, around = self.short(actor), self.long(around)
            for layer in self.layers:
                added = added + layer(added, around)
        else:
            added = around.mean(dim=1) if self.operator == "avg" else around.amax(dim=1)
        return torch.cat([actor, added], dim=1)[:, :, None, None]
