"""OmniSource: its whole videos of Kinetics, which are trained on in pieces of ten seconds.

The annotation is a JSON list; the pieces that show the class, as another model saw it, are `positive_clip_inds`:

    [{"video_dir": "pref_/___dTOdxzXY", "label": 1, "num_clips": 7, "positive_clip_inds": [0, 3]}]
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from vidcore.errors import DataError
from vidcore_videos.class_lists import read_text

_SECONDS = 10.0


@frozen
class WholeVideo:
    """A video, and what its pieces are good for."""

    name: str
    label: int
    num_pieces: int
    good: tuple[int, ...]  # pieces that show the class


def read_whole_videos(file: Path) -> list[WholeVideo]:
    """Raises DataError with the entry that is wrong."""
    try:
        content = json.loads(read_text(file, "annotation"))
    except json.JSONDecodeError as error:
        raise DataError(f"{file}:{error.lineno}: not valid JSON: {error.msg}") from error
    if not isinstance(content, list):
        raise DataError(f"{file}: expected a list of videos with video_dir, label, num_clips, positive_clip_inds")
    return [_whole_video(file, number, entry) for number, entry in enumerate(content, start=1)]


def segments(annotation: Path) -> Iterator[tuple[str, float, float, str]]:
    """Every piece of every video, as `VIDEO/part_0` and so on; the last one ends with its video.

    Raises:
        DataError: It is not the annotation of OmniSource's whole videos.
    """
    for video in read_whole_videos(annotation):
        for piece in range(video.num_pieces):
            yield video.name, piece * _SECONDS, (piece + 1) * _SECONDS, f"{video.name}/part_{piece}"


def _whole_video(file: Path, number: int, entry: Any) -> WholeVideo:
    try:
        name, label, count, good = (entry[key] for key in ("video_dir", "label", "num_clips", "positive_clip_inds"))
        video = WholeVideo(str(name), int(label), int(count), tuple(map(int, good)))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{file}: entry {number}: {type(error).__name__}: {error}") from error
    if video.name.startswith("/") or ".." in Path(video.name).parts:
        raise DataError(f"{file}: entry {number}: {video.name!r} lies outside of the folder of videos")
    if not all(0 <= piece < video.num_pieces for piece in video.good):
        raise DataError(f"{file}: entry {number}: positive_clip_inds {list(video.good)} of {video.num_pieces} pieces")
    return video
