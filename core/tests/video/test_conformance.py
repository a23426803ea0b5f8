"""The built-in decoder against every way a video can be stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.pyav import PyAV
from vidcore.testing.decoders import BAD_VIDEOS, DECODER_CASES, BadVideo, DecoderCase, check_decoder, check_refuses


@pytest.mark.parametrize("case", DECODER_CASES, ids=str)
def test_frames_are_those_of_plain_decoding(case: DecoderCase, tmp_path: Path) -> None:
    assert check_decoder(PyAV(PyAVConfig(index_cache=False)), case, tmp_path) == "exact"


@pytest.mark.parametrize("case", DECODER_CASES[:6:2], ids=str)
@pytest.mark.parametrize("config", [PyAVConfig(threads=2), PyAVConfig(skip_nonref=False)], ids=["threads", "no-skip"])
def test_options_do_not_change_frames(config: PyAVConfig, case: DecoderCase, tmp_path: Path) -> None:
    assert check_decoder(PyAV(config), case, tmp_path) == "exact"


@pytest.mark.parametrize("bad", BAD_VIDEOS, ids=str)
def test_unusable_files_are_named_with_a_way_out(bad: BadVideo, tmp_path: Path) -> None:
    check_refuses(PyAV(), bad, tmp_path)
