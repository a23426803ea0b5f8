"""Videos with the key points in them, cut, scaled and mirrored alike.

Letters: V views (clips), M persons, T frames of the video, P frames of key points, J joints, C channels, H W pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from attrs import evolve, frozen
from numpy.typing import NDArray
from torch import Tensor

from vidcore.data.clips import DataContext, named
from vidcore.data.geometry import Geometry
from vidcore.data.transforms import Relabelling, plan_all
from vidcore.errors import DataError
from vidcore.interfaces import Finding, FrameView
from vidcore.plugins import build
from vidcore.randomness import Purpose, generator
from vidcore.values import Sample, SampleRef
from vidcore_posec3d.data_config import VideoPose
from vidcore_posec3d.frames import Box, moved, persons_box, through
from vidcore_skeleton.annotations import read_table
from vidcore_skeleton.datasets import checked
from vidcore_skeleton.layouts import layout_of
from vidcore_skeleton.skeletons import Skeleton, fill_persons, with_scores
from vidcore_videos.class_lists import classes_of

_SHORTER = 0.9  # a video with a smaller share of its annotation's frames is another video
Indices = NDArray[np.int64]


@frozen(kw_only=True, eq=False)
class _Choice:
    """One reading, before anything is decoded."""

    video_frames: Indices  # [V, T]
    box: Box  # of the frame, maybe beyond it
    geometry: Geometry  # of the box
    pose: Tensor  # float32 [V, M, P, J, C], in pixels after the geometry
    draws: dict[str, Tensor]

    def request(self, size: tuple[int, int]) -> tuple[list[int], FrameView]:
        """What is asked of the decoder: the part of the box that lies inside frames of this size."""
        x1, y1, x2, y2 = _inside(self.box, size)
        return self.video_frames.reshape(-1).tolist(), FrameView((x1, y1, x2 - x1, y2 - y1), None, "reference")

    def finish(self, frames: Tensor, size: tuple[int, int]) -> Tensor:
        """The video, uint8 `[V, C, T, H, W]`: black where the box reaches beyond the frame, then the steps."""
        inner, outer = _inside(self.box, size), self.box
        left, top, right, bottom = (abs(a - b) for a, b in zip(inner, outer, strict=True))
        frames = F.pad(frames, (left, right, top, bottom))
        for step in self.geometry.steps:
            frames = step.pixels(frames)
        frames = frames.contiguous()
        return frames.view(*self.video_frames.shape, *frames.shape[1:]).transpose(1, 2)


class VideoPoseDataset:
    """Videos with class labels and key points.

    Args:
        config: Where they lie, and how they are read.
        context: Sampling of key points, transforms of frames, views.

    Raises:
        DataError: The annotation file cannot be used, or has no such split.
    """

    def __init__(self, config: VideoPose, context: DataContext) -> None:
        self._config, self.context = config, context
        self._table = read_table(context.root / config.annotations, config.split)
        self._video_sampling = build(config.video_sampling)
        self._layout = layout_of(config.layout)
        names = classes_of(config.classes, context.root)
        self._classes = names or tuple(str(label) for label in range(self._table.num_labels))

    @property
    def classes(self) -> Sequence[str]:
        return self._classes

    @property
    def transforms(self) -> dict[str, object]:
        """The transforms by name; the photometric ones among them are applied on the device."""
        return dict(self.context.transforms)

    def __len__(self) -> int:
        return len(self._table) * self._config.times

    def path(self, index: int) -> Path:
        """The video at this index."""
        name = self._table.names[index % len(self._table)]
        return self.context.root / self._config.folder / f"{name}{self._config.suffix}"

    def where(self, index: int) -> str:
        """The video and where its key points are, for messages."""
        return f"{self.path(index)} ({self._table.where(index % len(self._table))})"

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        """The sample at `ref.index`, once for each repeat: `video` uint8 `[V, C, T, H, W]`, `pose` `[V, M, P, J, C]`.

        Raises:
            DataError: The video or its key points cannot be used; the message names it.
        """
        index, path = ref.index % len(self._table), self.path(ref.index)
        try:
            skeleton = checked(self._table.read(index))
            with self.context.decoder.open(path) as reader:
                size = (reader.info.height, reader.info.width)
                skeleton = _in_video(skeleton, size, reader.info.num_frames)
                repeats = self.context.repeats if self.context.training else 1
                draws = rng if self.context.training else None
                choices = [self._choose(skeleton, reader.info.fps, draws) for _ in range(repeats)]
                frames = reader.read([choice.request(size) for choice in choices])
        except DataError as error:
            raise named(error, path) from error
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
        meta = {"path": str(path), "num_frames": skeleton.num_frames, "merge": self.context.views.merge}
        return [
            Sample(
                ref=evolve(ref, repeat=ref.repeat + repeat),
                inputs={"video": choice.finish(pixels, size), "pose": choice.pose},
                target={"label": self._label(index, choice.geometry)},
                meta=meta | {"frame_size": choice.geometry.size},
                draws=choice.draws,
            )
            for repeat, (choice, pixels) in enumerate(zip(choices, frames, strict=True))
        ]

    def check(self, deep: bool = False) -> Iterator[Finding]:
        """Rows that cannot be used, missing videos; `deep` reads each sample once."""
        yield from self._table.findings()
        for index in range(len(self._table)):
            if not self.path(index).exists():
                yield Finding("error", self._table.where(index), f"{self.path(index)} is missing; check 'folder'")
            elif deep:
                try:
                    self.sample(SampleRef("", 0, index), generator(0, Purpose.SAMPLE, index=index))
                except DataError as error:
                    yield Finding("error", self._table.where(index), str(error))

    def _choose(self, skeleton: Skeleton, fps: float, rng: np.random.Generator | None) -> _Choice:
        """Draws: frames of the video, those of key points, then the transforms in order."""
        count = None if rng else self.context.views.clips
        assert self.context.sampling is not None and skeleton.image_size is not None
        video_frames = self._video_sampling.clips(skeleton.num_frames, fps, rng, count)
        frames = self.context.sampling.clips(skeleton.num_frames, fps, rng, count)
        seen, (height, width) = skeleton.at(frames.reshape(-1)), skeleton.image_size
        config = self._config.compact
        box = persons_box(seen.joints, (height, width), config) if config is not None else None
        box = box or (0, 0, width, height)
        start = Geometry((box[3] - box[1], box[2] - box[0]))
        geometry, draws = plan_all(self.context.transforms, start, rng)
        pose = with_scores(through(geometry, moved(seen.joints, box)), seen.scores)
        if geometry.mirrored:
            pose = pose[:, :, self._swapped(pose.shape[2])]
        pose = fill_persons(pose, self._config.persons, self._config.fill)
        views = pose.reshape(len(pose), *frames.shape, *pose.shape[2:]).swapaxes(0, 1)
        return _Choice(
            video_frames=video_frames,
            box=box,
            geometry=geometry,
            pose=torch.from_numpy(np.ascontiguousarray(views, np.float32)),
            draws=draws,
        )

    def _swapped(self, joints: int) -> list[int]:
        """Joints with left and right in each other's place."""
        if joints != self._layout.joints:
            raise DataError(f"the sequence has {joints} joints, the layout {self._layout.joints}")
        pairs = list(zip(self._layout.left, self._layout.right, strict=True))
        other = dict(pairs) | {right: left for left, right in pairs}
        return [other.get(joint, joint) for joint in range(joints)]

    def _label(self, index: int, geometry: Geometry) -> int:
        label = self._table.label(index)
        for transform in self.context.transforms.values():
            if isinstance(transform, Relabelling) and self.context.training:
                label = transform.relabel(label, geometry)
        if not label < len(self._classes):
            raise DataError(
                f"{self._table.where(index)}: label {label}, the classes are 0 ... {len(self._classes) - 1}"
            )
        return label


def _in_video(skeleton: Skeleton, size: tuple[int, int], num_frames: int) -> Skeleton:
    """Key points as pixels of the video's frames, as many as it has.

    Raises:
        DataError: It is not known which frame they lie in, or the video is too short to be theirs.
    """
    if skeleton.image_size is None:
        raise DataError("the annotation gives no img_shape, so it is not known where in the video its key points lie")
    if num_frames < skeleton.num_frames * _SHORTER:
        raise DataError(
            f"the video has {num_frames} frames and its key points {skeleton.num_frames}: is it another one?"
        )
    scale = np.array([size[1] / skeleton.image_size[1], size[0] / skeleton.image_size[0]], np.float32)
    points: Any = skeleton.joints[..., :2] * scale
    joints = np.concatenate([points, skeleton.joints[..., 2:]], axis=-1)
    return evolve(skeleton, joints=joints, image_size=size).at(np.arange(min(num_frames, skeleton.num_frames)))


def _inside(box: Box, size: tuple[int, int]) -> Box:
    """The part of a box that lies inside the frame, at least one pixel."""
    height, width = size
    x1, y1 = min(max(box[0], 0), width - 1), min(max(box[1], 0), height - 1)
    return x1, y1, max(min(box[2], width), x1 + 1), max(min(box[3], height), y1 + 1)
