"""A made data set whose clips have the shape that their context asks for, and blocks that a model declares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import frozen
from torch import Tensor, nn
from vidcore_engine_toy.config import CLASSES, ToyNet
from vidcore_engine_toy.parts import ToyNet as Net

from vidcore.config import DatasetConfig, Facts
from vidcore.plugins import Component, hookimpl
from vidcore.values import Sample, SampleRef

api = 1


@frozen(kw_only=True)
class GridClips(DatasetConfig):
    """Noise."""

    samples: int = 22

    def facts(self, root: Path) -> Facts:
        return Facts(classes=CLASSES)


class GridDataset:
    def __init__(self, config: GridClips, context: Any) -> None:
        self.config, self.context = config, context

    @property
    def classes(self) -> tuple[str, ...]:
        return CLASSES

    def __len__(self) -> int:
        return self.config.samples

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        frames = self.context.sampling.clips(40, 25.0, rng, None)
        height, width = self.context.transforms["crop"].config.size, self.context.transforms["crop"].config.size
        video = torch.from_numpy(rng.integers(0, 255, (1, 3, frames.shape[1], height, width)).astype(np.uint8))
        meta = {"path": f"clip{ref.index}.mp4", "frames": frames[0].tolist()}
        return [Sample(ref=ref, inputs={"video": video}, target={"label": ref.index % 4}, meta=meta)]

    def check(self, deep: bool = False) -> list[Any]:
        return []


@frozen(kw_only=True)
class BlockyNet(ToyNet):
    """The toy net that declares a block."""

    norm: bool = True


class Blocky(Net):
    def blocks(self) -> list[nn.Module]:
        return [self.backbone]

    def forward(self, video: Tensor) -> Tensor:
        logits: Tensor = self.head(self.dropout(self.backbone(video).mean(dim=(2, 3, 4))))
        return logits


@hookimpl
def vidcore_components() -> list[Component]:
    return [
        Component(kind="dataset", name="grid-clips", config="grid_toy:GridClips", factory="grid_toy:GridDataset",
                  summary="made"),
        Component(kind="model", name="blocky-net", config="grid_toy:BlockyNet", factory="grid_toy:Blocky",
                  summary="made"),
    ]  # fmt: skip
