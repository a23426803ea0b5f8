"""Frames, flow, smaller videos, videos of frames, and sound, of real files."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import Result
from PIL import Image

from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.pyav import PyAV
from vidcore.errors import DataError
from vidcore.plugins import build
from vidcore.testing.made_videos import MadeVideo, cut, decode_all, h264, read_number
from vidcore_prepare.config import FlowStage

Vidcore = Callable[..., Result]


def numbers(path: Path) -> list[int]:
    return [read_number(picture) for picture in decode_all(path)]


def picture(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def seconds(path: Path) -> list[float]:
    with PyAV(PyAVConfig(index_cache=False)).open(path) as reader:
        return [float(value) for value in reader.info.timestamps]


def key_frames(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [i for i, frame in enumerate(container.decode(video=0)) if frame.key_frame]


def test_every_frame_becomes_a_picture(videos: Path, vidcore: Vidcore) -> None:
    result = vidcore("frames videos frames --short-side 48 --workers 1")
    assert "3 folders made" in " ".join(result.output.split())
    files = sorted(Path("frames/run/a").iterdir())
    assert [file.name for file in files] == [f"img_{number:05}.jpg" for number in range(1, 21)]
    assert [read_number(picture(file)) for file in files] == list(range(20))
    assert picture(files[0]).shape == (48, 80, 3)
    assert len(list(Path("frames/jump/c").iterdir())) == 50


def test_png_is_exact_and_every_second_frame_is_half_of_them(videos: Path, vidcore: Vidcore) -> None:
    vidcore("frames videos/run frames --kind png --every 2 --workers 1")
    files = sorted(Path("frames/a").iterdir())
    assert [read_number(picture(file)) for file in files] == list(range(0, 20, 2))
    assert abs(picture(files[3]).astype(int) - decode_all(videos / "run/a.mp4")[6]).max() <= 3


def test_a_broken_video_is_a_failure_and_leaves_no_folder(videos: Path, vidcore: Vidcore) -> None:
    cut(videos / "run/b.mp4", videos / "run/half.mp4", 0.5)
    MadeVideo(suffix=".mkv", num_frames=20, options=h264()).write(videos / "whole.mkv")
    cut(videos / "whole.mkv", videos / "run/tail.mkv", 0.3)
    (videos / "whole.mkv").unlink()
    vidcore("frames videos frames --workers 1", exit_code=1)
    failed = Path("frames/failed.txt").read_text()
    assert "run/half.mp4\t" in failed and "cannot be read" in failed
    assert not Path("frames/run/half").exists() and Path("frames/run/b").exists()


def test_other_options_are_refused_for_a_folder_that_was_begun(videos: Path, vidcore: Vidcore) -> None:
    vidcore("frames videos frames --short-side 48 --workers 1")
    result = vidcore("frames videos frames --workers 1", exit_code=1)
    assert "short_side 48 then, None now" in str(result.exception)


def write_panning(path: Path, num_frames: int, step: int = 4) -> Path:
    """A smooth texture that the camera passes: it moves `step` pixels to the left from frame to frame."""
    texture = np.random.default_rng(0).integers(0, 255, (16, 32, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    smooth = np.asarray(Image.fromarray(texture).resize((256, 128), Image.Resampling.BICUBIC))
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "5"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for index in range(num_frames):
            shown = np.ascontiguousarray(smooth[16:112, step * index : 128 + step * index])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def first_move(folder: Path) -> tuple[float, float]:
    """Pixels to the right and downwards of the first pair, of most of the picture."""
    x, y = (np.median(picture(folder / f"flow_{axis}_00001.jpg")) for axis in "xy")
    return x * 40 / 255 - 20, y * 40 / 255 - 20


@pytest.mark.parametrize("method", ["farneback", "dis", "tvl1"])
def test_flow_of_a_moving_picture_says_how_far_it_moved(tmp_path: Path, vidcore: Vidcore, method: str) -> None:
    write_panning(tmp_path / "moving.mp4", 3)
    vidcore(f"flow moving.mp4 flow --method {method} --workers 1")
    names = sorted(path.name for path in Path("flow/moving").iterdir())
    assert names == ["flow_x_00001.jpg", "flow_x_00002.jpg", "flow_y_00001.jpg", "flow_y_00002.jpg"]
    assert first_move(tmp_path / "flow/moving") == pytest.approx((-4, 0), abs=0.6)


def test_flow_over_several_frames_is_farther_and_without_the_camera_rests(tmp_path: Path, vidcore: Vidcore) -> None:
    write_panning(tmp_path / "moving.mp4", 8)
    vidcore("flow moving.mp4 far --method dis --every 3 --workers 1")
    assert len(list((tmp_path / "far/moving").glob("flow_x_*"))) == 2  # frames 0, 3 and 6
    assert first_move(tmp_path / "far/moving") == pytest.approx((-12, 0), abs=0.6)
    vidcore("flow moving.mp4 still --method dis --every 3 --without-camera --workers 1")
    assert first_move(tmp_path / "still/moving") == pytest.approx((0, 0), abs=0.2)


def test_flow_as_a_stage_goes_on_and_tells_what_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDCORE_DATA", str(tmp_path / "data"))
    good = write_panning(tmp_path / "data/videos/a/good.mp4", 4)
    (good.parent / "bad.mp4").write_bytes(b"no video")
    stage, strict = (
        build(FlowStage(videos="videos", method="dis", max_bad_fraction=fraction)) for fraction in (0.5, 0.4)
    )
    stage.run(tmp_path / "stage", tmp_path, "cpu")
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "stage/flow/a/good").iterdir()}
    assert len(made) == 6
    with pytest.raises(DataError, match=r"1 of 2 videos failed, more than max_bad_fraction = 0.4.*failed.txt says"):
        strict.run(tmp_path / "stage", tmp_path, "cpu")
    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert "bad.mp4" in (tmp_path / "stage/flow/failed.txt").read_text()


def test_a_smaller_video_keeps_frames_times_and_sound(videos: Path, vidcore: Vidcore) -> None:
    vidcore("resize videos small --short-side 48 --gop 5 --workers 1")
    small = Path("small/jump/c.mp4")
    assert numbers(small) == list(range(50)) and decode_all(small)[0].shape == (48, 80, 3)
    assert seconds(small) == pytest.approx(seconds(videos / "jump/c.mp4"), abs=1e-3)
    assert max(np.diff(key_frames(small))) <= 5 < max(np.diff(key_frames(videos / "jump/c.mp4")))
    written = small.read_bytes()  # x264 notes its options in the file
    assert b"cabac=0" in written and b"deblock=0" in written, "small copies are to be quick to decode"
    with av.open(str(small)) as new, av.open(str(videos / "jump/c.mp4")) as old:
        packets = [[bytes(p) for p in each.demux(each.streams.audio[0]) if p.size] for each in (new, old)]
    assert packets[0] == packets[1]


@pytest.mark.parametrize(("codec", "becomes"), [("pcm_s16le", "aac"), ("libmp3lame", "mp3")])
def test_sound_of_old_files_becomes_what_mp4_can_hold(
    tmp_path: Path, vidcore: Vidcore, with_sound: Callable[..., Path], codec: str, becomes: str
) -> None:
    with_sound(tmp_path / "old.avi", codec=codec, rate=(rate := 16_000))
    vidcore("resize old.avi small --short-side 48 --workers 1")
    assert numbers(Path("small/old.mp4")) == list(range(50))
    with av.open("small/old.mp4") as container:
        stream = container.streams.audio[0]
        heard = np.concatenate([np.abs(frame.to_ndarray()[0]) for frame in container.decode(stream)])
        assert stream.codec.canonical_name == becomes and stream.rate == rate
    assert len(heard) / rate == pytest.approx(2.0, abs=0.2)
    for second, loudness in ((0.5, 0.1), (1.5, 0.2)):
        middle = int(second * rate)
        assert heard[middle - 4000 : middle + 4000].mean() == pytest.approx(loudness, rel=0.2)


@pytest.mark.parametrize(
    "made",
    [
        MadeVideo(num_frames=20, width=96, height=160, rotation=90, options=h264()),
        MadeVideo(num_frames=20, times=lambda number: 512 * number + 150 * (number % 3), options=h264()),
        MadeVideo(num_frames=20, suffix=".avi", codec="mpeg4", b_frames=2),
        MadeVideo(num_frames=20, suffix=".webm", codec="libvpx-vp9", width=162, height=98),
        MadeVideo(num_frames=20, times=lambda number: 5000 + 512 * number, options=h264()),
    ],
    ids=["rotated", "variable rate", "avi with b-frames", "odd halves", "first time not zero"],
)
def test_strange_videos_are_resized_to_what_is_shown(tmp_path: Path, vidcore: Vidcore, made: MadeVideo) -> None:
    source = made.write(tmp_path / f"source{made.suffix}")
    vidcore(f"resize {source.name} small --short-side 48 --workers 1")
    with PyAV(PyAVConfig(index_cache=False)).open(source) as old:
        expected = [read_number(frame.permute(1, 2, 0).numpy()) for frame in old.frames(range(20))]
        size = (old.info.width, old.info.height)
        times = old.info.timestamps - old.info.timestamps[0]
    with PyAV(PyAVConfig(index_cache=False)).open("small/source.mp4") as new:
        assert [read_number(frame.permute(1, 2, 0).numpy()) for frame in new.frames(range(20))] == expected
        assert new.info.rotation == 0 and (new.info.width > new.info.height) == (size[0] > size[1])
        assert new.info.timestamps - new.info.timestamps[0] == pytest.approx(times, abs=2e-3)


def test_frames_become_a_video_again(videos: Path, vidcore: Vidcore) -> None:
    vidcore("frames videos frames --workers 1")
    vidcore("encode frames again --fps 25 --workers 1")
    assert numbers(Path("again/jump/c.mp4")) == list(range(50))
    assert seconds(Path("again/run/a.mp4")) == pytest.approx([number / 25 for number in range(20)], abs=1e-4)
    Path("frames/run/a/img_00007.jpg").unlink()
    vidcore("encode frames once-more --workers 1", exit_code=1)
    assert "has no picture number 7 (1 are missing)" in Path("once-more/failed.txt").read_text()


def test_sound_becomes_a_wav_file(videos: Path, vidcore: Vidcore) -> None:
    vidcore("audio videos/jump sounds --sample-rate 8000 --workers 1")
    with wave.open("sounds/c.wav") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        values = np.frombuffer(file.readframes(file.getnframes()), np.int16) / 32767
    loudness = [np.abs(values[second * 8000 + 1000 : second * 8000 + 7000]).mean() for second in (0, 1)]
    assert loudness == pytest.approx([0.1, 0.2], rel=0.15)
    vidcore("audio videos all --workers 1", exit_code=1)
    assert Path("all/failed.txt").read_text().count("has no sound") == 2
