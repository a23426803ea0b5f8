"""What files of ops share: extremes in the place of chance, frames as a geometry plans them, the files of cases."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vidcore.data.geometry import FramePlan, Geometry

Case = dict[str, Any]


class Extreme:
    """Stands in for a generator and gives the lowest or the highest number that could be drawn."""

    def __init__(self, highest: bool) -> None:
        self.highest = highest

    def integers(self, low: Any, high: Any, size: Any = None) -> Any:
        value = np.asarray(high) - 1 if self.highest else np.asarray(low)
        return np.broadcast_to(value, value.shape if size is None else size).astype(np.int64)

    def uniform(self, low: float, high: float, size: Any = None) -> Any:
        return np.full(size if size is not None else (), high - (high - low) * 1e-9 if self.highest else low)


def to_frames(images: Any) -> torch.Tensor:
    """`[T, C, H, W]` from `[T, H, W, C]`."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def _decoded(frames: torch.Tensor, plan: FramePlan) -> torch.Tensor:
    """What a decoder and we make of frames: crop, then scale, then the rest."""
    height, width = frames.shape[-2:]
    view = plan.view
    geometry = Geometry((height, width))
    if view.crop is not None:
        geometry = geometry.cropped(*view.crop)
    if view.size is not None:
        geometry = geometry.resized(*view.size)
    for step in geometry.steps:
        frames = step.pixels(frames)
    return plan.finish(frames)


def planned_images(images: Any, geometry: Geometry, scaling: Any = "reference") -> np.ndarray[Any, Any]:
    """The frames that come out, `[T, H, W, C]`."""
    return _decoded(to_frames(images), geometry.plan(scaling)).permute(0, 2, 3, 1).numpy()


def geometry_of(images: Any) -> Geometry:
    """That of frames before any step."""
    return Geometry(images[0].shape[:2])


def height_width_of(params: Any) -> Any:
    """Ours is height, width."""
    return params if isinstance(params, int) else (params[1], params[0])


def box_of(geometry: Geometry) -> np.ndarray[Any, Any]:
    """x1, y1, x2, y2 of what is seen of the source."""
    return np.array(geometry.window())


def cut_crops(images: Any, crops: list[Geometry]) -> dict[str, Any]:
    """Several crops of the same frames, one after the other."""
    pixels = [planned_images(images, geometry) for geometry in crops]
    boxes = np.repeat([box_of(geometry) for geometry in crops], len(images), axis=0)
    return {"imgs": np.concatenate(pixels), "crop_bbox": boxes, "img_shape": pixels[0].shape[1:3]}


def shared_file(name: str) -> Path:
    """A file that a case names, in the folder that `data` lies in."""
    data = os.environ.get("VIDCORE_TEST_DATA")
    folder = Path(data).parent if data else Path(__file__).resolve().parents[3] / "shared"
    return folder / name
