"""Annotated key frames as a few flat tensors, which workers share instead of copying.

Boxes are shares of the frame, x1, y1, x2, y2. Letters: F key frames, B boxes, P proposals.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from attrs import field, frozen
from torch import Tensor

from vidcore.interfaces import Finding


@frozen(kw_only=True)
class KeyFrame:
    """What is known of one key frame."""

    number: int  # row of the file where it stands first
    video: str  # file, relative to the folder of the videos
    name: str  # the video's name in the annotation
    timestamp: float  # as annotated
    moment: float = 0.0  # seconds from the first frame of the file
    frame: int = -1  # the very frame, where it is known; else -1
    boxes: Sequence[Sequence[float]] = ()  # [B, 4]
    labels: Sequence[Sequence[int]] = ()  # of each box
    persons: Sequence[int] = ()  # of each box: the same number in the next key frame is the same one; (): not known
    proposals: Sequence[Sequence[float]] = ()  # [P, 4]


@frozen(kw_only=True, eq=False)
class KeyFrameTable:
    """Key frames by index."""

    file: Path  # where they are annotated
    findings: tuple[Finding, ...]  # what was odd about that
    videos: tuple[tuple[str, str], ...]  # file and name of each video
    video_of: Tensor = field(repr=False)  # int32 [F]
    numbers: Tensor = field(repr=False)  # int64 [F]
    timestamps: Tensor = field(repr=False)  # float64 [F, 2]: as annotated, and seconds of the file
    frames: Tensor = field(repr=False)  # int64 [F]
    boxes: Tensor = field(repr=False)  # float32 [all B, 4]
    box_ends: Tensor = field(repr=False)  # int64 [F]
    labels: Tensor = field(repr=False)  # int64, of all boxes
    label_ends: Tensor = field(repr=False)  # int64 [all B]
    persons: Tensor = field(repr=False)  # int64 [all B]; -1: not known
    proposals: Tensor = field(repr=False)  # float32 [all P, 4]
    proposal_ends: Tensor = field(repr=False)  # int64 [F]

    @classmethod
    def of(cls, rows: Sequence[KeyFrame], file: Path, findings: Sequence[Finding] = ()) -> KeyFrameTable:
        """The table of these key frames."""
        videos = list(dict.fromkeys((row.video, row.name) for row in rows))
        places = {video: place for place, video in enumerate(videos)}
        labels = [one for row in rows for one in row.labels]
        return cls(
            file=file,
            findings=tuple(findings),
            videos=tuple(videos),
            video_of=torch.tensor([places[row.video, row.name] for row in rows], dtype=torch.int32),
            numbers=torch.tensor([row.number for row in rows]),
            timestamps=torch.tensor([(row.timestamp, row.moment) for row in rows], dtype=torch.float64).reshape(-1, 2),
            frames=torch.tensor([row.frame for row in rows]),
            boxes=_boxes([box for row in rows for box in row.boxes]),
            box_ends=_ends([len(row.boxes) for row in rows]),
            labels=torch.tensor([label for one in labels for label in one], dtype=torch.int64),
            label_ends=_ends([len(one) for one in labels]),
            persons=torch.tensor([one for row in rows for one in row.persons or [-1] * len(row.boxes)]).long(),
            proposals=_boxes([box for row in rows for box in row.proposals]),
            proposal_ends=_ends([len(row.proposals) for row in rows]),
        )

    def __len__(self) -> int:
        return len(self.numbers)

    def row(self, index: int) -> KeyFrame:
        """One key frame; boxes as lists of floats."""
        video, name = self.videos[int(self.video_of[index])]
        timestamp, moment = self.timestamps[index].tolist()
        first, last = _span(self.box_ends, index)
        spans = [_span(self.label_ends, box) for box in range(first, last)]
        return KeyFrame(
            number=int(self.numbers[index]),
            video=video,
            name=name,
            timestamp=timestamp,
            moment=moment,
            frame=int(self.frames[index]),
            boxes=self.boxes[first:last].tolist(),
            labels=[self.labels[slice(*span)].tolist() for span in spans],
            persons=self.persons[first:last].tolist(),
            proposals=self.proposals[slice(*_span(self.proposal_ends, index))].tolist(),
        )

    def where(self, index: int) -> str:
        """`file:row`."""
        return f"{self.file}:{int(self.numbers[index])}"


def _boxes(boxes: Sequence[Sequence[float]]) -> Tensor:
    return torch.from_numpy(np.asarray(boxes, np.float32).reshape(-1, 4))


def _ends(counts: Sequence[int]) -> Tensor:
    return torch.tensor(counts, dtype=torch.int64).cumsum(0)


def _span(ends: Tensor, index: int) -> tuple[int, int]:
    return int(ends[index - 1]) if index else 0, int(ends[index])
