"""Each check of a data set or transform must be able to fail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from vidcore_made_data import config as made_config
from vidcore_made_data.parts import MadeFolders

from vidcore.config.base import Views
from vidcore.data.building import build_context
from vidcore.data.crops import Place
from vidcore.data.geometry import Geometry
from vidcore.data.sampling_config import Dense
from vidcore.data.transform_config import CenterCrop, RandomCrop, TransformConfig
from vidcore.data.video.config import PyAVConfig
from vidcore.interfaces import Finding
from vidcore.plugins import build
from vidcore.testing import check_dataset, check_transform, make_video
from vidcore.values import Sample, SampleRef


class Clips:
    """Made clips; each subclass breaks a promise."""

    names: Sequence[str] = ("run", "jump")

    @property
    def classes(self) -> Sequence[str]:
        return self.names

    def __len__(self) -> int:
        return 4

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        video = torch.from_numpy(rng.integers(0, 256, (1, 3, 2, 4, 4)).astype(np.uint8))
        return [Sample(ref=ref, inputs={"video": video}, target={"label": ref.index % 2})]

    def check(self, deep: bool = False) -> Iterable[Any]:
        return [Finding("warning", "list", "short")]


class Empty(Clips):
    def __len__(self) -> int:
        return 0


class NamedTwice(Clips):
    names = ("run", "run")


class GlobalRandomness(Clips):
    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        return super().sample(ref, np.random.default_rng())


class Counts(Clips):
    def __init__(self) -> None:
        self.reads = 0

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        self.reads += 1
        (sample,) = super().sample(ref, rng)
        return [Sample(ref=ref, inputs=sample.inputs, target=sample.target, meta={"reads": self.reads})]


class NotAList(Clips):
    def sample(self, ref: SampleRef, rng: np.random.Generator) -> Any:
        return super().sample(ref, rng)[0]


class WrongLabel(Clips):
    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        (sample,) = super().sample(ref, rng)
        return [Sample(ref=ref, inputs=sample.inputs, target={"label": 2})]


class FloatPixels(Clips):
    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        return [Sample(ref=ref, inputs={"video": torch.zeros(1, 3, 2, 4, 4)}, target={"label": 0})]


class OtherRef(Clips):
    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        return super().sample(SampleRef("", 0, ref.index + 1), rng)


class BadFindings(Clips):
    def check(self, deep: bool = False) -> Iterable[Any]:
        return ["something"]


def test_good_dataset_passes() -> None:
    check_dataset(Clips(), indices=(0, 3))


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (Empty(), "the data set is empty"),
        (NamedTwice(), "a class is named twice"),
        (GlobalRandomness(), r"sample 0 read again with the same generator differs in inputs\.video"),
        (Counts(), r"differs in meta\.reads"),
        (NotAList(), "must return a list of at least one Sample"),
        (WrongLabel(), "sample 0 has label 2 of 2 classes"),
        (FloatPixels(), r"video must be uint8 \[V, C, T, H, W\], is torch\.float32"),
        (OtherRef(), "sample 0 says it is SampleRef"),
        (BadFindings(), r"check\(\) yields Finding objects"),
    ],
    ids=lambda value: "" if isinstance(value, str) else type(value).__name__,
)
def test_fault_of_a_dataset_is_found(dataset: Any, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_dataset(dataset)


@pytest.mark.parametrize("split", ["train", "test"])
def test_data_set_over_real_files_keeps_the_contract(tmp_path: Path, split: str) -> None:
    for name in ("run", "jump"):
        make_video(tmp_path / name / "a.mp4")
    context = build_context(
        root=tmp_path,
        decoder=PyAVConfig(index_cache=False),
        sampling=Dense(num_frames=4, frame_interval=1),
        transforms={"crop": RandomCrop(size=32)} if split == "train" else {"crop": CenterCrop(size=32)},
        views=Views() if split == "train" else Views(clips=2, crops=3),
        split=split,
    )
    check_dataset(MadeFolders(made_config.MadeFolders(classes=("run", "jump")), context), indices=(0, 1))


class DrawsInTesting:
    def plan(self, geometry: Geometry, rng: np.random.Generator | None, place: Place) -> Geometry:
        rng = rng or np.random.default_rng()
        return geometry.cropped(int(rng.integers(0, 100)), 0, 32, 32)


class OwnRandomness:
    def plan(self, geometry: Geometry, rng: np.random.Generator | None, place: Place) -> Geometry:
        return geometry.cropped(0 if rng is None else int(np.random.default_rng().integers(0, 100)), 0, 32, 32)


class Neighbourly:
    def draw(self, rng: np.random.Generator) -> torch.Tensor:
        return torch.tensor([rng.random()])

    def apply(self, video: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        return (video.float() - video.float().mean() + 128).clamp(0, 255).to(torch.uint8)


class InPlace(Neighbourly):
    def apply(self, video: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        return video.div_(2, rounding_mode="floor")


class ToFloat(Neighbourly):
    def apply(self, video: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        return video.float()


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (DrawsInTesting, "without a generator it still draws"),
        (OwnRandomness, "the same generator gives"),
        (Neighbourly, "colours depend on its neighbours"),
        (InPlace, "changes its input"),
        (ToFloat, r"uint8 \[N, C, T, H, W\] in and out"),
        (object, "has neither plan"),
    ],
)
def test_fault_of_a_transform_is_found(transform: type, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_transform(TransformConfig(), sizes=((240, 320),), factory=lambda config: transform())


def test_size_that_config_and_transform_tell_differently_is_found() -> None:
    class Smaller(TransformConfig):
        def out_size(self, size: Any) -> Any:
            return 16, 16

    with pytest.raises(AssertionError, match=r"out_size\(\) says \(16, 16\), it is \(32, 32\)"):
        check_transform(Smaller(), sizes=((64, 64),), factory=lambda config: build(CenterCrop(size=32)))
