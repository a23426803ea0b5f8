"""Text lists of proposals, as structured segment networks read them, with times as fractions or as frames.

A list has a block for each video:

    # 0                     number of the video
    imgs                    its name, or the folder of its frames
    5                       frames
    1                       a rate that counts multiply with
    2                       true segments, one a line: class start end
    3 1 2
    3 3 5
    1                       proposals, one a line: class, best IoU, best overlap with itself, start, end
    3 1.0000 1.0000 1 2

Times are frames where all are whole numbers, and one of them is above 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from attrs import evolve, field, frozen

from vidcore.errors import DataError, RunError

_ROUNDING = 1e-3  # of the video: fractions are written with four digits


@frozen(kw_only=True)
class Segment:
    """A line: a class number, what else the line says as text, and the times."""

    label: str
    overlaps: tuple[str, ...] = ()
    start: float
    end: float
    line: int = 0  # of the file, from 1


@frozen(kw_only=True)
class ListedVideo:
    """A block of the list."""

    name: str
    frames: int
    rate: str
    truths: tuple[Segment, ...] = field(repr=False)
    proposals: tuple[Segment, ...] = field(repr=False)


def read_list(path: Path) -> list[ListedVideo]:
    """Read a list.

    Raises:
        DataError: A block is not complete, or a line of it is wrong; names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    numbered = iter([(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()])
    videos = []
    for number, line in numbered:
        if not line.startswith("#"):
            raise DataError(f"{path}:{number}: a block should start with '# NUMBER', is {line!r}")
        videos.append(_block(path, number, numbered))
    return videos


def to_frames(video: ListedVideo) -> ListedVideo:
    """Fractions of the video to the nearest frames: a list keeps four digits of a fraction."""
    return _timed(video, lambda time: float(round(time * video.frames)))


def to_fractions(video: ListedVideo) -> ListedVideo:
    """Frames to fractions of the video."""
    return _timed(video, lambda time: time / video.frames)


def is_fractions(videos: Sequence[ListedVideo]) -> bool:
    """Whether the times of a list are fractions: one is no whole number, or none is above 1."""
    times = [time for video in videos for one in (*video.truths, *video.proposals) for time in (one.start, one.end)]
    return any(time != int(time) for time in times) or all(time <= 1.0 for time in times)


def beyond(videos: Sequence[ListedVideo]) -> list[Segment]:
    """Segments that begin before their video or end after it."""
    fractions = is_fractions(videos)
    return [
        one
        for video in videos
        for one in (*video.truths, *video.proposals)
        if one.start < 0 or one.end > (1 + _ROUNDING if fractions else video.frames)
    ]


def write_list(path: Path, videos: Sequence[ListedVideo], fractions: bool) -> None:
    """Write a list; fractions with four digits.

    Raises:
        RunError: It cannot be written.
    """
    lines = [line for number, video in enumerate(videos) for line in _lines(number, video, fractions)]
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error}") from error


def _block(path: Path, first: int, numbered: Iterator[tuple[int, str]]) -> ListedVideo:
    number = first
    try:
        number, name = next(numbered)
        number, frames = next(numbered)
        if int(frames) < 1:
            raise ValueError(f"a video has one frame at least, is {frames}")
        number, rate = next(numbered)
        kinds = []
        for columns in (3, 5):
            number, count = next(numbered)
            if int(count) < 0:
                raise ValueError(f"should be a number of segments, is {count}")
            rows = []
            for _ in range(int(count)):
                number, line = next(numbered)
                rows.append(_segment(number, line, columns))
            kinds.append(tuple(rows))
        return ListedVideo(name=name, frames=int(frames), rate=rate, truths=kinds[0], proposals=kinds[1])
    except StopIteration:
        raise DataError(f"{path}:{number}: the file ends within the block that starts in line {first}") from None
    except ValueError as error:
        raise DataError(f"{path}:{number}: {error}") from error


def _segment(number: int, line: str, columns: int) -> Segment:
    parts = line.split()
    if len(parts) != columns:
        raise ValueError(f"should have {columns} columns, is {line!r}")
    start, end = float(parts[-2]), float(parts[-1])
    if not (end >= start and math.isfinite(end - start)):
        raise ValueError(f"ends at {end:g} before it starts at {start:g}, or these are no numbers")
    return Segment(label=parts[0], overlaps=tuple(parts[1:-2]), start=start, end=end, line=number)


def _timed(video: ListedVideo, change: Callable[[float], float]) -> ListedVideo:

    def changed(rows: Sequence[Segment]) -> tuple[Segment, ...]:
        return tuple(evolve(row, start=change(row.start), end=change(row.end)) for row in rows)

    return evolve(video, truths=changed(video.truths), proposals=changed(video.proposals))


def _lines(number: int, video: ListedVideo, fractions: bool) -> Iterator[str]:
    yield from (f"# {number}", video.name, str(video.frames), video.rate)
    for rows in (video.truths, video.proposals):
        yield str(len(rows))
        for row in rows:
            times = [f"{time:.4f}" if fractions else f"{int(time)}" for time in (row.start, row.end)]
            yield " ".join((row.label, *row.overlaps, *times))
