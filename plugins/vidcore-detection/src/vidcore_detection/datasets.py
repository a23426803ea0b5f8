"""Key frames of videos with boxes. What format they are annotated in is up to who makes the table.

Letters: G annotated boxes, P proposals, K classes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from attrs import evolve

from vidcore.data.clips import DataContext, Reading, named, read_clips
from vidcore.data.sampling import Sampling
from vidcore.data.transforms import Relabelling
from vidcore.errors import ConfigError, DataError
from vidcore.interfaces import Finding, VideoInfo
from vidcore.randomness import Purpose, generator
from vidcore.values import Sample, SampleRef
from vidcore.wording import counted
from vidcore_detection.banks import Bank
from vidcore_detection.boxes import Boxes, move_boxes, to_pixels
from vidcore_detection.key_frames import KeyFrame, KeyFrameTable

_LOOKED_AT = 20  # videos whose existence is looked at before a run


@runtime_checkable
class AroundKeyFrames(Protocol):
    """A sampling that can be told the key frame of a sample."""

    def at(self, frame: int) -> Sampling: ...


class KeyFrameDataset:
    """Samples of key frames: the clip around each, its boxes and what is done in them.

    Args:
        table: The key frames.
        classes: Names of the classes.
        folder: Of the videos.
        context: What samples are read with; its sampling must look around key frames.
        bank: Features of persons around key frames, given to the model as `bank`.

    Raises:
        ConfigError: The sampling knows nothing of key frames.
        DataError: None of the videos is there.
    """

    def __init__(
        self,
        table: KeyFrameTable,
        classes: Sequence[str],
        folder: Path,
        context: DataContext,
        bank: Bank | None = None,
    ) -> None:
        self._sampling = _around_key_frames(context)
        self._table, self._folder, self.context, self._bank = table, folder, context, bank
        self._classes = tuple(classes)
        self._refuse_wrong_root()

    @property
    def classes(self) -> Sequence[str]:
        return self._classes

    @property
    def transforms(self) -> dict[str, object]:
        """The transforms by name; the photometric ones among them are applied on the device."""
        return dict(self.context.transforms)

    def __len__(self) -> int:
        return len(self._table)

    def path(self, index: int) -> Path:
        """The video at this index."""
        return self._folder / self._table.videos[int(self._table.video_of[index])][0]

    def where(self, index: int) -> str:
        """The video and where the key frame is annotated, for messages."""
        return f"{self.path(index)} ({self._table.where(index)})"

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        """The sample at `ref.index`, once for each repeat, from one decoding.

        Raises:
            DataError: The video cannot be used, or ends before the key frame; the message names it.
        """
        path, key = self.path(ref.index), self._table.row(ref.index)
        try:
            with self.context.decoder.open(path) as reader:
                info = reader.info
                frame = key_frame_of(key, info)
                context = evolve(self.context, sampling=self._sampling.at(frame))
                readings = read_clips(reader, context, rng)
        except DataError as error:
            raise named(DataError(f"{self._table.where(ref.index)}: {error}"), path) from error
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
        meta = {
            "path": str(path),
            "fps": info.fps,
            "num_frames": info.num_frames,
            "size": (info.height, info.width),
            "video": key.name,
            "timestamp": key.timestamp,
            "key_frame": frame,
        }
        around = {} if self._bank is None else self._banked(self._bank, key, rng)
        return [
            Sample(
                ref=evolve(ref, repeat=ref.repeat + repeat),
                meta={**meta, "frames": reading.frames.tolist()},
                draws=reading.draws,
                **self._boxes(key, reading, (info.height, info.width), around),
            )
            for repeat, reading in enumerate(readings)
        ]

    def check(self, deep: bool = False) -> Iterator[Finding]:
        """Odd rows, missing and unreadable videos, classes never annotated; `deep` reads each sample once."""
        yield from self._table.findings
        for number, (video, _) in enumerate(self._table.videos):
            first = int((self._table.video_of == number).nonzero()[0])
            if (finding := self._file_problem(self._folder / video, self._table.where(first))) is not None:
                yield finding
        if deep:
            yield from (finding for index in range(len(self)) if (finding := self._deep_problem(index)))
        seen = set(self._table.labels.tolist())
        missing = [name for label, name in enumerate(self._classes) if label not in seen]
        if missing and seen:
            shown = ", ".join(repr(name) for name in missing[:5]) + (", ..." if len(missing) > 5 else "")
            yield Finding(
                "warning",
                str(self._table.file),
                f"{counted(len(missing), 'class is', 'classes are')} never annotated: {shown}",
            )

    def _banked(self, bank: Bank, key: KeyFrame, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        """Drawn from the bank in training, after the clip; one row of views."""
        return {"bank": bank.around(key.name, key.timestamp, rng if self.context.training else None)[None]}

    def _boxes(
        self, key: KeyFrame, reading: Reading, size: tuple[int, int], around: dict[str, torch.Tensor]
    ) -> dict[str, Any]:
        """Inputs and target of a sample. In training what the clip does not show is left out."""
        boxes, proposals = (np.asarray(one, np.float32).reshape(-1, 4) for one in (key.boxes, key.proposals))
        labels = self._labels(key.labels, reading)
        regions, inputs = (
            move_boxes(to_pixels(one, size), reading.geometry, self.context.scaling) for one in (boxes, proposals)
        )
        shown = _has_area(regions)
        if self.context.training:
            proposals, inputs = (one[_has_area(inputs)] for one in (proposals, inputs))
        target = {
            "boxes": torch.from_numpy(boxes),
            "labels": labels,
            "persons": torch.tensor(key.persons, dtype=torch.int64),
            "regions": torch.from_numpy(regions[shown]),
            "region_labels": labels[torch.from_numpy(shown)],
            "proposals": torch.from_numpy(proposals),
        }
        shown_boxes = [torch.from_numpy(inputs)]
        return {"inputs": {"video": reading.video, "boxes": shown_boxes, **around}, "target": target}

    def _labels(self, labels: Sequence[Sequence[int]], reading: Reading) -> torch.Tensor:
        """0 or 1, `[G, K]`."""
        matrix = torch.zeros(len(labels), len(self._classes))
        for row, own in zip(matrix, labels, strict=True):
            for label in own:
                row[self._relabelled(label, reading)] = 1.0
        return matrix

    def _relabelled(self, label: int, reading: Reading) -> int:
        for transform in self.context.transforms.values():
            if isinstance(transform, Relabelling) and self.context.training:
                label = transform.relabel(label, reading.geometry)
        return label

    def _file_problem(self, path: Path, where: str) -> Finding | None:
        if not path.is_file():
            return Finding("error", where, f"{path} is not there; mend the annotation or data.root")
        if not os.access(path, os.R_OK):
            return Finding("error", where, f"{path} may not be read by this user; change its permissions")
        return None

    def _deep_problem(self, index: int) -> Finding | None:
        try:
            self.sample(SampleRef("", 0, index), generator(0, Purpose.SAMPLE, index=index))
        except DataError as error:
            return Finding("error", self._table.where(index), str(error))
        return None

    def _refuse_wrong_root(self) -> None:
        """A wrong root makes every video missing; that is told at once, not key frame by key frame."""
        some = [self._folder / video for video, _ in self._table.videos[:_LOOKED_AT]]
        if some and not any(path.exists() for path in some):
            raise DataError(
                f"none of {len(some)} videos that were looked for exists, such as {some[0]}; check data.root "
                f"({self.context.root}) and the option 'folder'"
            )


def _around_key_frames(context: DataContext) -> AroundKeyFrames:
    sampling: object = context.sampling
    if isinstance(sampling, AroundKeyFrames):
        return sampling
    raise ConfigError(
        f"data.{context.split}.sampling: boxes belong to a key frame, so frames around it are needed; "
        'type = "key-frame" does that'
    )


def key_frame_of(key: KeyFrame, info: VideoInfo) -> int:
    """The frame of a video that is shown at the annotated moment.

    Raises:
        DataError: The video has not begun by then, or has ended.
    """
    if key.frame >= 0:
        if key.frame >= info.num_frames:
            raise DataError(f"key frame {key.frame} is outside the video, which has {info.num_frames} frames")
        return key.frame
    step = 1 / info.fps if info.fps > 0 else 0.0
    begin, end = float(info.timestamps[0]), float(info.timestamps[-1]) + step
    if not 0 <= key.moment <= end - begin:
        raise DataError(
            f"timestamp {key.timestamp:g} is second {key.moment:g} of the file, which lasts {end - begin:.2f} s; is "
            "the second right at which it starts (option 'start_seconds')?"
        )
    return int(np.abs(info.timestamps - begin - key.moment).argmin())


def _has_area(boxes: Boxes) -> np.ndarray[Any, np.dtype[np.bool_]]:
    shown: np.ndarray[Any, np.dtype[np.bool_]] = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return shown
