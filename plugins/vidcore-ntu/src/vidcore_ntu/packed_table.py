"""The annotation file of packed skeletons, and the pickle of each video, read as data: nothing in them is executed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen

from vidcore.errors import DataError
from vidcore.interfaces import Finding
from vidcore_checkpoints import read_annotations
from vidcore_ntu.config import PackedSkeletons
from vidcore_ntu.packed import Array, joint_weights, unpacked
from vidcore_skeleton.annotations import UnusableRowError, image_size_of, row_name, rows_of
from vidcore_skeleton.skeletons import Skeleton


@frozen(eq=False)
class PackedRow:
    """One video."""

    name: str
    file: str  # of its pickle, below the folder
    label: int
    num_frames: int
    image_size: tuple[int, int] | None  # height, width; None: not told
    frames: Array  # int32 [N], of each person in the pickle
    kept: Array  # bool [N], those who are certain enough


@frozen(eq=False, kw_only=True)
class PackedTable:
    """Videos by index."""

    file: Path
    folder: Path
    rows: tuple[PackedRow, ...]
    config: PackedSkeletons
    num_labels: int
    left_out: int  # videos in which too few frames have somebody

    def __len__(self) -> int:
        return len(self.rows)

    def label(self, index: int) -> int:
        return self.rows[index].label

    def name(self, index: int) -> str:
        return self.rows[index].name

    def where(self, index: int) -> str:
        """The pickle, and the file that names it."""
        return f"{self.folder / self.rows[index].file} ({self.file}: {self.rows[index].name!r})"

    def read(self, index: int) -> Skeleton:
        """The people of a video.

        Raises:
            DataError: Its pickle cannot be used.
        """
        row, config = self.rows[index], self.config
        points = _points(read_annotations(self.folder / row.file), row.name)
        if points.shape[:1] != row.frames.shape:
            raise DataError(f"the pickle has {len(points)} people, frame_inds tells of {len(row.frames)}")
        wrong = np.flatnonzero(row.kept & ~np.isfinite(points).all(axis=(1, 2)))
        if len(wrong):
            where = f"row {wrong[0]} of the pickle, somebody in frame {row.frames[wrong[0]]}"
            raise DataError(f"{where}, has joints that are not finite; write 0 for what was not seen")
        points = points[row.kept].astype(np.float32)
        if config.form == "shares":
            assert row.image_size is not None, "reading the table asks for it"
            points[..., :2] *= row.image_size[::-1]
        joints, scores = unpacked(
            points, row.frames[row.kept], row.num_frames, persons=config.persons, squeeze=config.squeeze,
            weights=joint_weights(points.shape[1], config.weights, config.part_weights),
        )  # fmt: skip
        return Skeleton(joints=joints, scores=scores, image_size=row.image_size)

    def findings(self) -> Iterator[Finding]:
        """Videos that do not count, and pickles that are not there."""
        if self.left_out:
            text = f"{self.left_out} videos have somebody in less than {self.config.valid:.0%} of their frames"
            yield Finding("warning", str(self.file), f"{text} and do not count")
        for row in self.rows:
            if not (self.folder / row.file).exists():
                yield Finding("error", f"{self.file}: {row.name!r}", f"{self.folder / row.file} is not there")


def read_packed(file: Path, folder: Path, config: PackedSkeletons) -> PackedTable:
    """The videos of a split that have people in enough frames.

    Raises:
        DataError: The file cannot be read or has another form; no video is left.
    """
    chosen, num_labels = rows_of(file, config.split)
    made = [(_row(file, number, row, config), _is_valid(file, number, row, config)) for number, row in chosen]
    rows = tuple(row for row, valid in made if valid)
    if not rows:
        raise DataError(f"{file}: no video has somebody in {config.valid:.0%} of its frames; lower `valid`")
    return PackedTable(
        file=file, folder=folder, rows=rows, config=config, num_labels=num_labels, left_out=len(chosen) - len(rows)
    )


def _is_valid(file: Path, number: int, row: dict[str, Any], config: PackedSkeletons) -> bool:
    if not config.valid:
        return True
    if not config.box_score:
        raise DataError("'valid' counts people from a 'box_score' on; give one such as 0.5")
    score, counts = config.box_score, row.get("valid")
    count = counts.get(score, counts.get(str(score))) if isinstance(counts, dict) else row.get(f"valid@{score}")
    if not isinstance(count, int | float | np.number):
        raise DataError(f"{file}: row {number} does not tell how many frames are valid at {score}")
    return bool(count >= config.valid * row["total_frames"])


def _row(file: Path, number: int, row: dict[str, Any], config: PackedSkeletons) -> PackedRow:
    where, name = f"{file}: row {number}", row_name(row, number)
    frames, scores, label, total = (row.get(key) for key in ("frame_inds", "box_score", "label", "total_frames"))
    if isinstance(label, bool) or not isinstance(label, int | np.integer) or label < 0:
        raise DataError(f"{where}: label is {label!r}; expected a class number from 0")
    if not isinstance(total, int | np.integer) or not isinstance(frames, np.ndarray) or frames.dtype.kind not in "iu":
        raise DataError(f"{where}: expected whole numbers 'total_frames' and 'frame_inds', the frame of each person")
    # published files count from 0 or from 1, and look at every second frame only
    if frames.ndim != 1 or not ((frames >= 0) & (frames <= total)).all():
        raise DataError(f"{where}: frame_inds tells of frames outside 0 ... {total}")
    if config.box_score and (
        not isinstance(scores, np.ndarray) or scores.shape != frames.shape or scores.dtype.kind not in "fiu"
    ):
        raise DataError(f"{where}: 'box_score' does not tell one score for each of {len(frames)} people")
    try:
        size = image_size_of(row)
    except UnusableRowError as error:
        raise DataError(f"{where}: {error}") from error
    if config.form == "shares" and size == (0, 0):
        raise DataError(f"{where}: form = 'shares' needs 'img_shape'")
    kept: Array = np.ones(len(frames), bool)
    if scores is not None and config.box_score:
        kept = scores >= config.box_score
    return PackedRow(
        name=name,
        file=str(row.get("raw_file", row.get("filename", f"{name}.pkl"))),
        label=int(label),
        num_frames=max(int(total), int(frames.max(initial=0)) + 1),
        image_size=size if size != (0, 0) else None,
        frames=frames.astype(np.int32),
        kept=kept,
    )


def _points(content: Any, name: str) -> Array:
    """`[N, V, 3]` of a pickle for one video, or for several by their names."""
    entry = content.get(name, content) if isinstance(content, dict) else content
    points = entry.get("keypoint") if isinstance(entry, dict) else entry
    if not isinstance(points, np.ndarray) or points.ndim != 3 or points.shape[2] != 3 or points.dtype.kind not in "fiu":
        raise DataError("the pickle has no 'keypoint' of numbers [people, joints, 3]")
    return points
