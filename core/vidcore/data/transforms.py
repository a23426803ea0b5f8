"""The components of kind `transform`.

Geometric ones plan: `plan(geometry, rng, place) -> Geometry`, before a pixel is touched. Photometric ones draw,
`draw(rng) -> Tensor [D]`, in the worker and are applied to a whole batch on the device, `apply(video, draws)`.
A sample's generator is used by its transforms in the order in which they are configured; each says what it draws.
Without a generator (None, in testing) geometric transforms follow a rule without chance, and photometric ones are left
out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from attrs import evolve
from torch import Tensor

from vidcore.data import crops
from vidcore.data import transform_config as options
from vidcore.data.crops import Place
from vidcore.data.geometry import Geometry
from vidcore.data.transform_config import height_width
from vidcore.values import Batch

WHOLE = Place(0, 1)


@runtime_checkable
class GeometricTransform(Protocol):
    """Changes the shape of frames, all frames of a sample alike."""

    def plan(self, geometry: Geometry, rng: np.random.Generator | None, place: Place) -> Geometry:
        """Add steps. `place` says which of several crops of the sample is wanted.

        Raises:
            DataError: The frames do not allow it, such as a crop larger than they are.
        """


@runtime_checkable
class PhotometricTransform(Protocol):
    """Changes colours, not shapes."""

    def draw(self, rng: np.random.Generator) -> Tensor:
        """The random choices for one sample, `[D]`, the same D always."""

    def apply(self, video: Tensor, draws: Tensor) -> Tensor:
        """Change a batch as drawn. Video uint8 `[N, C, T, H, W]` in and out, draws `[N, D]`, on one device."""


@runtime_checkable
class Relabelling(Protocol):
    """A transform that changes what a video shows: mirrored, "to the left" is "to the right"."""

    def relabel(self, label: int, geometry: Geometry) -> int:
        """The label after this transform."""


@runtime_checkable
class PlacesCrops(Protocol):
    """A geometric transform that can cut one of several crops of a sample."""

    crop_counts: tuple[int, ...]  # what `views.crops` may be


def plan_all(
    transforms: Mapping[str, object], geometry: Geometry, rng: np.random.Generator | None, place: Place = WHOLE
) -> tuple[Geometry, dict[str, Tensor]]:
    """Go through transforms in order: steps of the geometric ones, draws of the photometric ones by name."""
    draws = {}
    for name, transform in transforms.items():
        if isinstance(transform, GeometricTransform):
            geometry = transform.plan(geometry, rng, place)
        elif isinstance(transform, PhotometricTransform) and rng is not None:
            draws[name] = transform.draw(rng)
    return geometry, draws


def apply_draws(batch: Batch, transforms: Mapping[str, object]) -> Batch:
    """Apply the photometric transforms that samples have draws for, on the device that the batch lies on."""
    if not batch.draws:
        return batch
    video = batch.inputs["video"]
    rows = torch.tensor(batch.views, device=video.device)
    for name, transform in transforms.items():
        if name in batch.draws and isinstance(transform, PhotometricTransform):
            video = transform.apply(video, batch.draws[name].repeat_interleave(rows, dim=0))
    return evolve(batch, inputs={**batch.inputs, "video": video})


class Resize:
    """Scale to a side or a size. Draws nothing."""

    def __init__(self, config: options.Resize) -> None:
        self.config = config

    def plan(self, geometry: Geometry, rng: np.random.Generator | None, place: Place) -> Geometry:
        """See `GeometricTransform.plan`."""
        if self.config.size is not None:
            return geometry.resized(*height_width(self.config.size))
        return geometry.resized(*crops.fitted_size(*geometry.size, self.config.short_side, self.config.long_side))


class RandomResizedCrop:
    """Cut a random box and scale it. Draws ten shapes, ten areas, x and y (not these where no box fits)."""

    def __init__(self, config: options.RandomResizedCrop) -> None:
        self.config = config

    def plan(self, geometry: Geometry, rng: np.random.Generator | None, place: Place) -> Geometry:
        """See `GeometricTransform.plan`."""
        config, size = self.config, geometry.size
        box = crops.middle_square(*size) if rng is None else crops.random_box(*size, config.area, config.aspect, rng)
        return geometry.cropped(*box).resized(*height_width(config.size))


class RandomCrop:
    """Cut a box at a random place. Draws x and y."""

    def __init__(self, config: options.RandomCrop) -> None:
        self.config = config

    def plan(self, geometry: Geometry, rng: np.random.Generator | None, place: Place) -> Geometry:
        """See `GeometricTransform.plan`."""
        height, width = height_width(self.config.size)
        x, y, _, _ = crops.middle_box(*geometry.size, (height, width))
        if rng is not None:
            rooms = (geometry.size[1] - width, geometry.size[0] - height)
            places = [max(room + 1 if self.config.last_position else room, 1) for room in rooms]
            x, y = (int(rng.integers(0, count)) for count in places)
        return geometry.cropped(x, y, width, height)


class CenterCrop:
    """Cut the middle, or the place that is asked for. Draws nothing."""

    crop_counts: tuple[int, ...] = (1, 3)

    def __init__(self, config: options.CenterCrop) -> None:
        self.config = config

    def plan(self, geometry: Geometry, rng: np.random.Generator | None, place: Place) -> Geometry:
        """See `GeometricTransform.plan`."""
        frame, size = geometry.size, height_width(self.config.size)
        if place.count == 3:
            return geometry.cropped(*crops.three_box(*frame, size, place.index))
        return geometry.cropped(*crops.middle_box(*frame, size))


class Flip:
    """Mirror at random. Draws one number from 0 to 1."""

    def __init__(self, config: options.Flip) -> None:
        self.config = config
        self._labels = dict(config.labels)

    def plan(self, geometry: Geometry, rng: np.random.Generator | None, place: Place) -> Geometry:
        """See `GeometricTransform.plan`."""
        flip = rng is not None and rng.random() < self.config.probability
        return geometry.flipped(self.config.direction) if flip else geometry

    def relabel(self, label: int, geometry: Geometry) -> int:
        """The class of the mirrored video, where it is another one."""
        return self._labels.get(label, label) if geometry.mirrored else label
