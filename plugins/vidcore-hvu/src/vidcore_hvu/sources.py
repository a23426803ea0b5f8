"""What `vidcore data fetch` and `vidcore data trim` ask: where the videos are, and which clips lie in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vidcore.errors import DataError
from vidcore_videos.clip_tables import named_clips, youtube_addresses


def videos(folder: Path) -> Iterator[tuple[str, str]]:
    """File and address of every video that the annotations in a folder name, each once.

    Raises:
        DataError: There is no annotation, or it is no official CSV.
    """
    files = sorted((folder / "annotations").rglob("HVU_[TV]*_V*.csv"))
    files = [file for file in files if "Tags" not in file.name]
    if not files:
        raise DataError(f"{folder / 'annotations'} has no HVU_Train_V1.0.csv; fetch the annotations first")
    return youtube_addresses(files)


def segments(annotation: Path) -> Iterator[tuple[str, float, float, str]]:
    """Video, first and last second, and name of every clip of an official CSV.

    Raises:
        DataError: It is no official CSV.
    """
    return named_clips(annotation)
