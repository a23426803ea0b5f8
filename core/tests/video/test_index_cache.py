from __future__ import annotations

import os
from pathlib import Path

import pytest

from vidcore.data.video import pyav
from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.pyav import PyAV
from vidcore.testing.made_videos import MadeVideo, h264


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were scanned."""
    names: list[str] = []
    original = pyav.build_index
    monkeypatch.setattr(pyav, "build_index", lambda source: names.append(source.name) or original(source))
    return names


def entries(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file()]


def test_file_is_scanned_once_and_the_cache_keeps_one_entry(clip: Path, cache: Path, scans: list[str]) -> None:
    first, second = PyAV().open(clip), PyAV().open(clip)
    assert scans == [str(clip)]
    assert len(entries(cache)) == 1
    assert first.info.timestamps.tolist() == second.info.timestamps.tolist()


def test_replaced_file_is_scanned_anew(clip: Path, cache: Path, scans: list[str]) -> None:
    assert PyAV().open(clip).info.num_frames == 48
    MadeVideo(options=h264(), num_frames=20).write(clip)
    assert PyAV().open(clip).info.num_frames == 20
    assert len(scans) == 2
    assert len(entries(cache)) == 1


def test_touched_file_is_scanned_anew(clip: Path, scans: list[str]) -> None:
    PyAV().open(clip)
    os.utime(clip, ns=(1, 1))
    PyAV().open(clip)
    assert len(scans) == 2


@pytest.mark.parametrize("damage", [b"", b"nonsense", None], ids=["empty", "nonsense", "cut short"])
def test_damaged_entry_is_rebuilt_silently(clip: Path, cache: Path, scans: list[str], damage: bytes | None) -> None:
    PyAV().open(clip)
    (entry,) = entries(cache)
    whole = entry.read_bytes()
    entry.write_bytes(whole[:-5] if damage is None else damage)
    assert PyAV().open(clip).frames([47]).shape[0] == 1
    assert len(scans) == 2
    assert entry.read_bytes() == whole


def test_cache_that_cannot_be_written_is_done_without(clip: Path, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    assert PyAV().open(clip).info.num_frames == 48


def test_cache_can_be_turned_off(clip: Path, cache: Path) -> None:
    PyAV(PyAVConfig(index_cache=False)).open(clip)
    assert not cache.exists()
