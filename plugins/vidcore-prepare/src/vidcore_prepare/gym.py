"""FineGym: where its videos are, and which elements lie in them.

The annotation says for each video its events, in seconds of the video, and for each event its elements, whose stages
are in seconds of the event:

    {"0LtLS9wROrk": {"E_002407_002435": {"timestamps": [[2407.3, 2435.3]],
                                         "segments": {"A_0003_0005": {"timestamps": [[3.4, 4.6], [4.6, 5.1]]}}}}}
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vidcore.errors import DataError
from vidcore_videos.class_lists import read_text

_ANNOTATIONS = "annotations/finegym_annotation_info_v*.json"


def videos(folder: Path) -> Iterator[tuple[str, str]]:
    """File and address of every video that the annotation in a folder names.

    Raises:
        DataError: There is no annotation.
    """
    files = sorted(folder.glob(_ANNOTATIONS))
    if not files:
        raise DataError(f"{folder / _ANNOTATIONS} is not there; fetch the annotations first")
    return ((f"youtube/{name}.mp4", f"https://www.youtube.com/watch?v={name}") for name in _read(files[-1]))


def segments(annotation: Path) -> Iterator[tuple[str, float, float, str]]:
    """Video, first and last second, and name of every element, from its first stage to its last.

    A clip is called as the official lists call it: `VIDEO_EVENT_ELEMENT`.

    Raises:
        DataError: It is not the annotation of FineGym; tells where.
    """
    for video, events in _read(annotation).items():
        for event, entry in events.items():
            try:
                begin = float(entry["timestamps"][0][0])
                for element, own in (entry.get("segments") or {}).items():
                    stages = own["timestamps"]
                    yield video, begin + float(stages[0][0]), begin + float(stages[-1][1]), f"{video}_{event}_{element}"
            except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
                text = "expected timestamps, and segments with timestamps, in seconds"
                raise DataError(f"{annotation}: {video}: {event}: {text} ({type(error).__name__}: {error})") from error


def _read(file: Path) -> dict[str, dict[str, Any]]:
    try:
        content = json.loads(read_text(file, "annotation"))
    except json.JSONDecodeError as error:
        raise DataError(f"{file}:{error.lineno}: not valid JSON: {error.msg}") from error
    if not isinstance(content, dict) or not all(isinstance(events, dict) for events in content.values()):
        raise DataError(f"{file}: expected video -> event -> what is in it; is it finegym_annotation_info?")
    return content
