from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest
import torch
import torchcodec

import vidcore_torchcodec.plugin
from vidcore.errors import ConfigError, DataError, PluginError
from vidcore.interfaces import FrameView
from vidcore.testing import check_plugin
from vidcore.testing.decoders import BAD_VIDEOS, DECODER_CASES, BadVideo, DecoderCase, check_decoder, check_refuses
from vidcore.testing.made_videos import MadeVideo, h264
from vidcore_torchcodec.config import TorchCodec
from vidcore_torchcodec.decoder import TorchCodecDecoder

needs_ffmpeg = pytest.mark.skipif(torchcodec.ffmpeg_major_version is None, reason="FFmpeg libraries absent")
REFUSED = {
    "h264-in-avi",
    "h264-open-gop-in-avi",
    "h264-in-ts",
    "h264-without-container",
    "mpeg4-b-frames-in-avi",
    "mpeg2-program-stream",
    "ten-bit",
    "odd-size",
    "truncated-avi",
    "truncated-ts",
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDCORE_CACHE", str(tmp_path / "cache"))


def test_plugin_keeps_its_promises() -> None:
    check_plugin(vidcore_torchcodec.plugin)


@needs_ffmpeg
@pytest.mark.parametrize("case", DECODER_CASES, ids=str)
def test_frames_are_exact_or_the_file_is_refused(case: DecoderCase, tmp_path: Path) -> None:
    told = check_decoder(TorchCodecDecoder(), case, tmp_path, REFUSED)
    assert told == ("refused" if case.name in REFUSED else "exact")


@needs_ffmpeg
@pytest.mark.parametrize("bad", BAD_VIDEOS, ids=str)
def test_unusable_files_are_named_with_a_way_out(bad: BadVideo, tmp_path: Path) -> None:
    check_refuses(TorchCodecDecoder(TorchCodec(threads=2)), bad, tmp_path)


@needs_ffmpeg
def test_refusal_says_why_and_what_to_use(tmp_path: Path) -> None:
    path = MadeVideo(options=h264(), pixel_format="yuv420p10le").write(tmp_path / "deep.mp4")
    with pytest.raises(DataError, match=r'deep\.mp4: has frames of 160x96 yuv420p10le.*Use decoder = "pyav"'):
        TorchCodecDecoder().open(path)


@needs_ffmpeg
def test_bytes_of_a_file_and_another_process(tmp_path: Path) -> None:
    path = MadeVideo(options=h264()).write(tmp_path / "clip.mp4")
    with (
        TorchCodecDecoder().open(path) as one,
        pickle.loads(pickle.dumps(TorchCodecDecoder())).open(path.read_bytes()) as two,
    ):
        assert torch.equal(one.frames([40, 3]), two.frames([40, 3]))


@needs_ffmpeg
def test_frame_with_another_time_stamp_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = MadeVideo(options=h264()).write(tmp_path / "clip.mp4")
    reader = torchcodec.decoders.VideoDecoder.get_frames_at
    monkeypatch.setattr(
        torchcodec.decoders.VideoDecoder, "get_frames_at", lambda self, numbers: reader(self, [n + 1 for n in numbers])
    )
    with pytest.raises(DataError, match=r"clip\.mp4: TorchCodec gives another frame than 5"):
        TorchCodecDecoder().open(path).frames([5])


def test_missing_ffmpeg_is_told_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torchcodec, "ffmpeg_major_version", None)
    with pytest.raises(PluginError, match="apt-get install ffmpeg"):
        TorchCodecDecoder().open(tmp_path / "any.mp4")


def test_missing_torchcodec_is_a_plugin_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchcodec", None)
    with pytest.raises(PluginError, match="torchcodec cannot be imported.*pip install torchcodec"):
        TorchCodecDecoder().open(tmp_path / "any.mp4")


@needs_ffmpeg
def test_gpu_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ConfigError, match="'cuda:1', but torch sees 1 CUDA devices"):
        TorchCodecDecoder(TorchCodec(device="cuda:1")).open(tmp_path / "any.mp4")


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cpu:0"])
def test_device_is_checked_early(device: str) -> None:
    with pytest.raises(ValueError, match=device):
        TorchCodec(device=device)


@pytest.mark.gpu
@needs_ffmpeg
def test_nvdec_gives_the_frames_of_the_cpu(tmp_path: Path) -> None:
    path = MadeVideo(options=h264()).write(tmp_path / "clip.mp4")
    requests = [([40, 3, 40], None), ([3], FrameView(crop=(8, 8, 64, 48), size=(24, 32)))]
    with TorchCodecDecoder().open(path) as cpu, TorchCodecDecoder(TorchCodec(device="cuda")).open(path) as gpu:
        for one, two in zip(cpu.read(requests), gpu.read(requests), strict=True):
            assert two.device.type == "cpu"
            assert (one.int() - two.int()).abs().max() <= 3
