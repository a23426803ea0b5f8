from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

from vidcore.errors import DataError, PluginError
from vidcore.testing.decoders import BAD_VIDEOS, DECODER_CASES, BadVideo, DecoderCase, check_decoder, check_refuses
from vidcore.testing.made_videos import MadeVideo, h264
from vidcore_decord.config import Decord
from vidcore_decord.decoder import DecordDecoder

EXACT = {
    "h264-b-frames",
    "h264-open-gop",
    "h264-one-key-frame",
    "h264-in-mkv",
    "variable-frame-rate",
    "first-pts-not-zero",
    "vp9",
    "no-frame-count",
    "one-frame",
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDCORE_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("case", DECODER_CASES, ids=str)
def test_frames_are_exact_or_the_file_is_refused(case: DecoderCase, tmp_path: Path) -> None:
    refused = {case.name for case in DECODER_CASES} - EXACT
    assert check_decoder(DecordDecoder(), case, tmp_path, refused) == ("exact" if case.name in EXACT else "refused")


@pytest.mark.parametrize("bad", BAD_VIDEOS, ids=str)
def test_unusable_files_are_named_with_a_way_out(bad: BadVideo, tmp_path: Path) -> None:
    check_refuses(DecordDecoder(Decord(threads=2)), bad, tmp_path)


def test_refusal_says_why_and_what_to_use(tmp_path: Path) -> None:
    path = MadeVideo(options=h264(), rotation=90).write(tmp_path / "turned.mp4")
    with pytest.raises(DataError, match=r'turned\.mp4: is to be turned by 90 .*decoder = "pyav"'):
        DecordDecoder().open(path)


def test_missing_decord_is_a_plugin_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "decord", None)
    with pytest.raises(PluginError, match="decord cannot be imported"):
        DecordDecoder().open(tmp_path / "any.mp4")


def test_decoder_pickles_for_workers(tmp_path: Path) -> None:
    path = MadeVideo(options=h264()).write(tmp_path / "clip.mp4")
    with pickle.loads(pickle.dumps(DecordDecoder())).open(path) as reader:
        assert reader.info.num_frames == 48


def test_bytes_are_refused() -> None:
    with pytest.raises(DataError, match='files only here.*decoder = "pyav"'):
        DecordDecoder().open(b"x")
