"""THUMOS14's official annotations: a text file for each class, `VIDEO START END` a line.

`BaseballPitch_val.txt` has `video_validation_0000266  72.8 76.4`. `Ambiguous_val.txt` names segments that the
organisers were not sure of. The files do not say how long a video is.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from vidcore.errors import DataError
from vidcore.interfaces import Finding
from vidcore_localization.annotations import AnnotatedVideo, Annotations, judge

AMBIGUOUS = "Ambiguous"
_SHOWN = 20
Labelled = tuple[float, float, str]


def read_folder(folder: Path, durations: Path | None) -> Annotations:
    """All files of a folder.

    Args:
        folder: Of `CLASS_val.txt` or `CLASS_test.txt`.
        durations: Text file with `VIDEO SECONDS` a line.

    Raises:
        DataError: There are no lengths, no files, or rows are wrong; tells every one, up to a limit.
    """
    if durations is None:
        raise DataError(f"{folder}: the official files tell no lengths of videos; give `durations`")
    files = sorted(path for path in folder.glob("*_*.txt"))
    if not files:
        raise DataError(f"{folder}: has no CLASS_val.txt or CLASS_test.txt")
    lengths, problems = _read_durations(durations), []
    segments: dict[str, list[Labelled]] = defaultdict(list)
    findings = []
    for path in files:
        label = path.stem.rpartition("_")[0]
        for number, line in _lines(path):
            try:
                video, start, end = _row(line)
            except ValueError as error:
                problems.append(f"{path}:{number}: {error}")
                continue
            if video not in lengths:
                problems.append(f"{path}:{number}: {durations} does not say how long {video} is")
                continue
            counts, why = judge(start, end, lengths[video])
            if why:
                findings.append(Finding("warning", f"{path}:{number}", f"{start:g} ... {end:g} s of {video} {why}"))
            if counts:
                segments[video].append((start, end, label))
    if problems:
        more = [f"... and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        raise DataError("\n".join(problems[:_SHOWN] + more))
    return Annotations(file=folder, videos=_videos(segments, lengths), findings=tuple(findings))


def _videos(segments: dict[str, list[Labelled]], lengths: dict[str, float]) -> tuple[AnnotatedVideo, ...]:
    return tuple(
        AnnotatedVideo(
            name=name,
            seconds=lengths[name],
            segments=tuple((start, end) for start, end, _ in sorted(rows)),
            labels=tuple(label for _, _, label in sorted(rows)),
        )
        for name, rows in sorted(segments.items())
    )


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that are not empty, with their numbers."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}; it should have VIDEO START END a line") from error
    yield from ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _row(line: str) -> tuple[str, float, float]:
    parts = line.split()
    if len(parts) != 3:
        raise ValueError(f"should be VIDEO START END, is {line.strip()!r}")
    start, end = float(parts[1]), float(parts[2])
    if not (math.isfinite(start) and math.isfinite(end)):
        raise ValueError(f"START and END should be finite numbers, are {parts[1]} {parts[2]}")
    return parts[0], start, end


def _read_durations(path: Path) -> dict[str, float]:
    lengths: dict[str, float] = {}
    for number, line in _lines(path):
        video, *rest = line.split()
        try:
            (seconds,) = map(float, rest)
        except ValueError:
            seconds = math.nan
        if not 0 < seconds < math.inf:
            raise DataError(f"{path}:{number}: should be VIDEO SECONDS, seconds above 0, is {line.strip()[:80]!r}")
        lengths[video] = seconds
    return lengths
