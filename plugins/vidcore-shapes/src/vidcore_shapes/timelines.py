"""Longer videos for temporal localization: motions of shapes, and between them stretches in which nothing counts.

A stretch is a shape that stands still, or one whose pictures come in an order that is no motion. Motions are those of
`motions`, one to three times over; each has a scene of its own, as if videos had been cut together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vidcore_shapes.config import CLASSES, NUM_CLASSES, TimelineStage
from vidcore_shapes.motions import Array, frame_order
from vidcore_shapes.scenes import draw_scene, paint
from vidcore_shapes.videos import FPS, write_mp4

_SPLITS = {"train": 2, "val": 3}  # part of the key of random numbers: never change
_BREAK = (15, 60)  # fewest and most frames between two motions


class Timelines:
    """The folder `videos`, and `train.json` and `val.json` with the segments, in ActivityNet's form."""

    artifacts: Mapping[str, str] = {"videos": "videos", "train": "train.json", "val": "val.json"}

    def __init__(self, config: TimelineStage) -> None:
        self.config = config

    def run(self, folder: Path, base: Path, device: str) -> None:
        """Write what is not there yet."""
        (folder / "videos").mkdir(parents=True, exist_ok=True)
        for split, count in (("train", self.config.num_train), ("val", self.config.num_val)):
            table = {f"{split}{index:04d}": self._write(folder, split, index) for index in range(count)}
            (folder / f"{split}.json").write_text(json.dumps(table), encoding="utf-8")

    def _write(self, folder: Path, split: str, index: int) -> dict[str, Any]:
        key = [self.config.made_with_seed, _SPLITS[split], index]
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))
        pictures, rows = draw_timeline(rng, self.config.size, self.config.num_motions)
        path = folder / "videos" / f"{split}{index:04d}.mp4"
        if not path.exists():
            partial = path.with_suffix(".mp4.tmp")
            write_mp4(partial, pictures)
            partial.replace(path)
        return {"duration_second": len(pictures) / FPS, "annotations": rows}


def draw_timeline(rng: np.random.Generator, size: int, num_motions: int) -> tuple[Array, list[dict[str, Any]]]:
    """Frames of a video, uint8 `[T, H, W, 3]`, and its segments in seconds with their labels."""
    chunks, rows = [_stretch(rng, size)], []
    for _ in range(num_motions):
        label, times = int(rng.integers(NUM_CLASSES)), int(rng.integers(1, 4))
        scene = draw_scene(rng, size)
        chunks.append(np.tile(paint(scene)[frame_order(scene.loops, label)], (times, 1, 1, 1)))
        end = sum(map(len, chunks)) / FPS
        rows.append({"segment": [end - len(chunks[-1]) / FPS, end], "label": CLASSES[label]})
        chunks.append(_stretch(rng, size))
    return np.concatenate(chunks), rows


def _stretch(rng: np.random.Generator, size: int) -> Array:
    """Nothing that counts, for a while."""
    pictures, frames = paint(draw_scene(rng, size)), int(rng.integers(*_BREAK, endpoint=True))
    still = bool(rng.integers(2))
    order = np.full(frames, rng.integers(len(pictures))) if still else rng.integers(len(pictures), size=frames)
    chosen: Array = pictures[order]
    return chosen
