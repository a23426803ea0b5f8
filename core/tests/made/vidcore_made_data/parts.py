from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from attrs import evolve
from torch import Tensor

from vidcore.data.clips import DataContext, named, read_clips
from vidcore.errors import DataError
from vidcore.interfaces import Finding
from vidcore.values import Sample, SampleRef
from vidcore_made_data import config as configs


class MadeFolders:
    def __init__(self, config: configs.MadeFolders, context: DataContext) -> None:
        self.classes, self.context = config.classes, context
        found = (path for name in self.classes for path in sorted((context.root / name).glob("*.mp4")))
        self.paths = config.paths or tuple(str(path.relative_to(context.root)) for path in found)
        self.transforms = dict(context.transforms)

    def __len__(self) -> int:
        return len(self.paths)

    def where(self, index: int) -> str:
        return f"{self.context.root / self.paths[index]} (row {index + 1})"

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        path = self.context.root / self.paths[ref.index]
        try:
            with self.context.decoder.open(path) as reader:
                readings = read_clips(reader, self.context, rng)
        except DataError as error:
            raise named(error, path) from error
        name = self.paths[ref.index].partition("/")[0]
        label = self.classes.index(name) if name in self.classes else 0
        return [
            Sample(
                ref=evolve(ref, repeat=ref.repeat + repeat),
                inputs={"video": reading.video},
                target={"label": label},
                meta={"path": str(path), "frames": reading.frames.tolist(), "merge": self.context.views.merge},
                draws=reading.draws,
            )
            for repeat, reading in enumerate(readings)
        ]

    def check(self, deep: bool = False) -> Iterator[Finding]:
        yield from ()


class MadeBrightness:
    def __init__(self, config: configs.MadeBrightness) -> None:
        self.config = config

    def draw(self, rng: np.random.Generator) -> Tensor:
        return torch.tensor([1 + rng.uniform(-1, 1) * self.config.most], dtype=torch.float32)

    def apply(self, video: Tensor, draws: Tensor) -> Tensor:
        return (video.float() * draws[:, :, None, None, None]).round_().clamp_(0, 255).to(torch.uint8)
