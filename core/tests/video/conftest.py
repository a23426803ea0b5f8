from __future__ import annotations

from pathlib import Path

import pytest

from vidcore.testing.made_videos import MadeVideo, h264


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("VIDCORE_CACHE", str(folder))
    return folder


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return MadeVideo(options=h264()).write(tmp_path / "clip.mp4")
