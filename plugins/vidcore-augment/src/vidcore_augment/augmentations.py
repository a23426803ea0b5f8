"""Augmentations of whole clips: RandAugment, AugMix, erasing, grey. Each sample draws for itself, all frames alike.

Letters: N samples, C channels, T frames, H W pixels, D numbers drawn for a sample, B branches, L operations of one.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as tv

from vidcore_augment import augmentation_config as options
from vidcore_augment.operations import NUM_PLAIN, OPERATIONS, change

_LEVELS = 10  # in which magnitudes are counted
_MOST_IN_A_BRANCH = 3  # operations, where AugMix draws their number
_SEEDS = 2**24  # whole numbers that float32 can hold


class RandAugment:
    """A few operations at random. Draws for each: whether, which, its strength and direction."""

    def __init__(self, config: options.RandAugment) -> None:
        self.config = config

    def draw(self, rng: np.random.Generator) -> Tensor:
        """`[place in OPERATIONS, strength]` of each, place -1 for none."""
        config, choices = self.config, []
        for _ in range(config.num_ops):
            on, place, sign = rng.random() < config.probability, rng.integers(len(OPERATIONS)), rng.choice((-1, 1))
            level = np.clip(rng.normal(config.magnitude, config.deviation), 0, _LEVELS)
            choices += [float(place) if on else -1.0, sign * level / _LEVELS]
        return torch.tensor(choices, dtype=torch.float32)

    def apply(self, video: Tensor, draws: Tensor) -> Tensor:
        """See `PhotometricTransform.apply`."""
        choices = draws.view(len(draws), -1, 2).tolist()
        return torch.stack([_on_frames(clip, own) for clip, own in zip(video, choices, strict=True)])


class AugMix:
    """A blend of the clip with chains of operations on it. Draws the shares, then the operations of each branch."""

    def __init__(self, config: options.AugMix) -> None:
        self.config = config

    def draw(self, rng: np.random.Generator) -> Tensor:
        """Share of the clip itself, `[B]` shares of the branches, and `[B, L, 2]` their operations."""
        config = self.config
        own = rng.beta(config.alpha, config.alpha)
        shares = rng.dirichlet([config.alpha] * config.branches) * (1 - own)
        count, most = len(OPERATIONS) if config.colors else NUM_PLAIN, config.depth or _MOST_IN_A_BRANCH
        choices = np.full((config.branches, most, 2), -1.0)
        for branch in choices:
            for step in range(config.depth or int(rng.integers(1, most + 1))):
                strength = rng.choice((-1, 1)) * rng.uniform(0, config.severity / _LEVELS)
                branch[step] = rng.integers(count), strength
        numbers = np.concatenate([[own], shares, choices.reshape(-1)])
        return torch.tensor(numbers, dtype=torch.float32)

    def apply(self, video: Tensor, draws: Tensor) -> Tensor:
        """See `PhotometricTransform.apply`. Blended in float32 and rounded once."""
        return torch.stack([self._mixed(clip, own) for clip, own in zip(video, draws, strict=True)])

    def _mixed(self, clip: Tensor, draws: Tensor) -> Tensor:
        branches = self.config.branches
        shares = draws[: 1 + branches].tolist()
        mixed = clip.float() * shares[0]
        for share, choices in zip(shares[1:], draws[1 + branches :].view(branches, -1, 2).tolist(), strict=True):
            mixed += _on_frames(clip, choices).float() * share
        return mixed.round_().clamp_(0, 255).to(torch.uint8)


class RandomErasing:
    """A rectangle of noise or of one colour. Draws whether, area, shape, place, a colour, and the noise's seed."""

    def __init__(self, config: options.RandomErasing) -> None:
        self.config = config

    def draw(self, rng: np.random.Generator) -> Tensor:
        """`[on, share of the frame, height / width, x, y, red, green, blue, seed]`, x and y as shares of the room."""
        on = float(rng.random() < self.config.probability)
        area = rng.uniform(*self.config.area)
        aspect = np.exp(rng.uniform(*np.log(self.config.aspect)))
        numbers = [on, area, aspect, *rng.random(2), *rng.integers(0, 256, 3), rng.integers(_SEEDS)]
        return torch.tensor([float(number) for number in numbers], dtype=torch.float32)

    def apply(self, video: Tensor, draws: Tensor) -> Tensor:
        """See `PhotometricTransform.apply`. A rectangle that is longer than the frame is cut at its side."""
        erased = video.clone()
        for clip, (on, area, aspect, x, y, *color, seed) in zip(erased, draws.tolist(), strict=True):
            if on:
                top, left, height, width = self._box(clip.shape[-2:], area, aspect, x, y)
                box = clip[..., top : top + height, left : left + width]  # [C, T, height, width]
                box.copy_(self._fill(box, color, int(seed)))
        return erased

    def _box(self, frame: torch.Size, area: float, aspect: float, x: float, y: float) -> tuple[int, int, int, int]:
        size = area * frame[0] * frame[1]
        height = max(min(round((size * aspect) ** 0.5), frame[0]), 1)
        width = max(min(round((size / aspect) ** 0.5), frame[1]), 1)
        return int(y * (frame[0] - height + 1)), int(x * (frame[1] - width + 1)), height, width

    def _fill(self, box: Tensor, color: list[float], seed: int) -> Tensor:
        if self.config.fill == "color":
            return torch.tensor(color[: len(box)], device=box.device).view(-1, 1, 1, 1).expand(box.shape)
        generator = torch.Generator(box.device).manual_seed(seed)
        noise = torch.randn(box.shape, generator=generator, device=box.device)
        return (noise * self.config.noise_std + self.config.noise_mean).clamp_(0, 255)


class RandomGray:
    """Colours to grey. Draws whether."""

    def __init__(self, config: options.RandomGray) -> None:
        self.config = config

    def draw(self, rng: np.random.Generator) -> Tensor:
        """`[1]`: 1 for grey."""
        return torch.tensor([float(rng.random() < self.config.probability)])

    def apply(self, video: Tensor, draws: Tensor) -> Tensor:
        """See `PhotometricTransform.apply`."""
        grey: Tensor = tv.rgb_to_grayscale(video.transpose(1, 2), num_output_channels=3).transpose(1, 2)
        return torch.where(draws.view(-1, 1, 1, 1, 1) > 0, grey, video)


def _on_frames(clip: Tensor, choices: list[list[float]]) -> Tensor:
    """Operations on a clip `[C, T, H, W]`, which they know as frames `[T, C, H, W]`."""
    return change(clip.transpose(0, 1).contiguous(), choices).transpose(0, 1)
