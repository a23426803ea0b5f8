from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import pytest

import vidcore_opencv.plugin
from vidcore.errors import DataError
from vidcore.testing import check_plugin
from vidcore.testing.decoders import BAD_VIDEOS, DECODER_CASES, BadVideo, DecoderCase, check_decoder, check_refuses
from vidcore.testing.made_videos import MadeVideo, h264
from vidcore_opencv.decoder import OpenCVDecoder

REFUSED = {
    "h264-in-avi",
    "h264-open-gop-in-avi",
    "h264-without-container",
    "mpeg4-b-frames-in-avi",
    "mpeg2-program-stream",
    "ten-bit",
    "odd-size",
    "first-key-frame-missing",
    "first-key-frame-missing-open-gop",
    "truncated-avi",
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDCORE_CACHE", str(tmp_path / "cache"))


def test_plugin_keeps_its_promises() -> None:
    check_plugin(vidcore_opencv.plugin)


@pytest.mark.parametrize("case", DECODER_CASES, ids=str)
def test_frames_are_exact_or_the_file_is_refused(case: DecoderCase, tmp_path: Path) -> None:
    told = check_decoder(OpenCVDecoder(), case, tmp_path, REFUSED)
    assert told == ("refused" if case.name in REFUSED else "exact")


@pytest.mark.parametrize("bad", BAD_VIDEOS, ids=str)
def test_unusable_files_are_named_with_a_way_out(bad: BadVideo, tmp_path: Path) -> None:
    check_refuses(OpenCVDecoder(), bad, tmp_path)


def test_frame_at_another_time_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = MadeVideo(options=h264()).write(tmp_path / "clip.mp4")

    class Skipping:
        """Loses a frame after the third."""

        def __init__(self, *arguments: object) -> None:
            self.inside = capture(*arguments)
            self.grabbed = 0

        def grab(self) -> bool:
            self.grabbed += 1
            return self.inside.grab() and (self.grabbed != 3 or self.inside.grab())

        def __getattr__(self, name: str) -> object:
            return getattr(self.inside, name)

    capture = cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", Skipping)
    with OpenCVDecoder().open(path) as reader:
        assert reader.frames([1]).shape == (1, 3, 96, 160)
        with pytest.raises(DataError, match=r"clip\.mp4: OpenCV gives another frame than 5"):
            reader.frames([5])


def test_bytes_are_refused() -> None:
    with pytest.raises(DataError, match='files only.*decoder = "pyav"'):
        OpenCVDecoder().open(b"x")


def test_decoder_pickles_for_workers(tmp_path: Path) -> None:
    path = MadeVideo(options=h264()).write(tmp_path / "clip.mp4")
    with pickle.loads(pickle.dumps(OpenCVDecoder())).open(path) as reader:
        assert reader.info.num_frames == 48
