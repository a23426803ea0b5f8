"""Annotation files to checked rows: which segments of which video have which label.

    {"v_a": {"duration_second": 12.0, "duration_frame": 360, "feature_frame": 352,
             "annotations": [{"segment": [1.5, 4.0], "label": "Archery"}]}}

is how BSN, BMN and MMAction2 keep ActivityNet; the official file has `{"database": {"a": {"duration": 12.0, "subset":
"training", "annotations": [...]}}}`. Both are read, and so is HACS, which has the official form.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from vidcore.errors import DataError
from vidcore.interfaces import Finding
from vidcore_localization.class_names import read_json

_MOST_SHOWN = 20
ROUNDING = 0.01  # seconds that the end of a segment may lie after that of its video and nobody is told


@frozen(kw_only=True)
class AnnotatedVideo:
    """A row: a video and its segments in seconds."""

    name: str
    seconds: float
    frames: int | None = None
    feature_frames: int | None = None  # that the features cover; None: all
    subset: str = ""
    segments: tuple[tuple[float, float], ...] = ()
    labels: tuple[str, ...] = ()

    @property
    def covered(self) -> float:
        """Seconds that the features cover."""
        if self.frames and self.feature_frames:
            return self.feature_frames / self.frames * self.seconds
        return self.seconds


@frozen(kw_only=True, eq=False)
class Annotations:
    """A file, read."""

    file: Path
    videos: tuple[AnnotatedVideo, ...] = field(repr=False)
    findings: tuple[Finding, ...] = ()  # segments that were left out or end too late, and why


def read_annotations(path: Path, subset: str = "") -> Annotations:
    """Read and check a file.

    A segment that ends before it starts, or starts after the video has ended, is left out and told as a finding. One
    that starts before the video or ends after it, by more than rounding, is told too; it counts as it is annotated.

    Args:
        path: JSON in one of the two forms.
        subset: Videos of this subset only; "": all.

    Raises:
        DataError: The file has another form; tells every wrong row, up to a limit. Or it has no such video.
    """
    content = read_json(path)
    table = content.get("database", content) if isinstance(content, dict) else None
    if not isinstance(table, dict) or not table:
        raise DataError(f'{path}: should be a table, video -> {{"duration_second": ..., "annotations": [...]}}')
    videos, problems, findings = [], [], []
    for name, row in table.items():
        try:
            video, odd = _video(name, row)
        except ValueError as error:
            problems.append(f"{path}: {name}: {error}")
            continue
        if not subset or video.subset == subset:
            videos.append(video)
            findings += [Finding("warning", f"{path}: {name}", text) for text in odd]
    if problems:
        more = [f"... and {len(problems) - _MOST_SHOWN} more videos"] if len(problems) > _MOST_SHOWN else []
        raise DataError("\n".join(problems[:_MOST_SHOWN] + more))
    if not videos:
        known = ", ".join(sorted({video.subset for video in _all(table)} - {""})) or "none is named"
        raise DataError(f"{path}: no video belongs to subset {subset!r}; subsets: {known}")
    return Annotations(file=path, videos=tuple(videos), findings=tuple(findings))


def _all(table: Mapping[str, Any]) -> Iterator[AnnotatedVideo]:
    for name, row in table.items():
        yield _video(name, row)[0]


def _video(name: str, row: Any) -> tuple[AnnotatedVideo, list[str]]:
    """A row, and what is odd about its segments."""
    if not isinstance(row, dict):
        raise ValueError(f"should be a table, is {type(row).__name__}")
    seconds = _positive(row, "duration_second" if "duration_second" in row else "duration")
    annotations = row.get("annotations") or []
    if not isinstance(annotations, list):
        raise ValueError(f"'annotations' should be a list, is {type(annotations).__name__}")
    segments, labels, odd = [], [], []
    for number, annotation in enumerate(annotations, 1):
        start, end, label = _segment(annotation, number)
        counts, why = judge(start, end, seconds)
        if why:
            odd.append(f"segment {number} ({label!r}, {start:g} ... {end:g} s) {why}")
        if counts:
            segments.append((start, end))
            labels.append(label)
    video = AnnotatedVideo(
        name=name,
        seconds=seconds,
        frames=_count(row, "duration_frame"),
        feature_frames=_count(row, "feature_frame"),
        subset=str(row.get("subset", "")),
        segments=tuple(segments),
        labels=tuple(labels),
    )
    return video, odd


def judge(start: float, end: float, seconds: float) -> tuple[bool, str]:
    """Whether a segment of a video that lasts so long counts, and what is odd about it, or ""."""
    if end <= start:
        return False, f"ends {'when' if end == start else 'before'} it starts; it is left out"
    if start >= seconds or end <= 0:
        return False, f"lies outside the video of {seconds:g} s; it is left out"
    if start < -ROUNDING or end > seconds + ROUNDING:
        return True, f"reaches beyond the video of {seconds:g} s; it is kept"
    return True, ""


def _segment(annotation: Any, number: int) -> tuple[float, float, str]:
    segment = annotation.get("segment") if isinstance(annotation, dict) else None
    label = annotation.get("label") if isinstance(annotation, dict) else None
    if not isinstance(label, str) or not label:
        raise ValueError(f"segment {number} has no label")
    if not (isinstance(segment, list) and len(segment) == 2 and all(_is_number(value) for value in segment)):
        raise ValueError(f"segment {number} should be [start, end] in seconds, is {segment!r}")
    return float(segment[0]), float(segment[1]), label


def _positive(row: Mapping[str, Any], key: str) -> float:
    value: Any = row.get(key)
    if not _is_number(value) or value <= 0:
        raise ValueError(f"{key!r} should be a number of seconds above 0, is {value!r}")
    return float(value)


def _count(row: Mapping[str, Any], key: str) -> int | None:
    value = row.get(key)
    if value is None:
        return None
    if not _is_number(value) or value < 1:
        raise ValueError(f"{key!r} should be a number of frames above 0, is {value!r}")
    return int(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
