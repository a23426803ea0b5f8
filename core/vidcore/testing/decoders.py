"""Does a decoder give the right frames? What every decoder component is checked with.

    @pytest.mark.parametrize("case", DECODER_CASES, ids=str)
    def test_frames_are_exact(case, tmp_path):
        check_decoder(MyDecoder(MyConfig()), case, tmp_path, may_refuse={"truncated"})

    @pytest.mark.parametrize("bad", BAD_VIDEOS, ids=str)
    def test_bad_files_are_refused(bad, tmp_path):
        check_refuses(MyDecoder(MyConfig()), bad, tmp_path)

A decoder passes a case when each frame is the one that plain decoding of the whole file gives, within 3 grey levels, or
when it refuses the file with a DataError and the author has declared that it may. A wrong frame is never allowed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from attrs import frozen
from torch import Tensor
from torch.nn import functional as F

from vidcore.errors import DataError
from vidcore.interfaces import Decoder, FrameView, VideoReader
from vidcore.testing.made_videos import (
    MadeVideo,
    Pixels,
    cut,
    decode_all,
    h264,
    patch_edit_list,
    read_number,
    remux,
    upright,
    write_audio,
)

TOLERANCE = 3  # grey levels between two FFmpeg builds' conversions to RGB


@frozen
class DecoderCase:
    """A way that a video can be stored, and the frames that are to be had from it."""

    name: str
    video: MadeVideo
    frames: Sequence[int]  # numbers of the frames that can be decoded
    suffix: str = ""  # of the file after `change`; empty: that of the video
    change: Callable[[Path, Path], object] | None = None  # what is done to the encoded file, from one path to the other
    is_cut: bool = False  # only some of the first `frames` are left, and the last of those may be refused when read

    def __str__(self) -> str:
        return self.name

    def write(self, folder: Path) -> Path:
        """Make the file."""
        target = folder / f"{self.name}{self.suffix or self.video.suffix}"
        encoded = self.encoded(folder)
        if self.change is None:
            shutil.copyfile(encoded, target)
        else:
            self.change(encoded, target)
        return target

    def encoded(self, folder: Path) -> Path:
        """The whole video as it was before `change`, made on first use."""
        path = folder / f"{self.name}-encoded{self.video.suffix}"
        return path if path.exists() else self.video.write(path)


def _cut_to(share: float) -> Callable[[Path, Path], object]:
    return lambda path, target: cut(path, target, share)


def _start_later(path: Path, target: Path) -> None:
    patch_edit_list(path, target, skip_frames=5)


def _without_first_packet(path: Path, target: Path) -> None:
    remux(path, target, drop=lambda number, key: number == 0)


_PLAIN = MadeVideo(options=h264())
_OPEN_GOP = MadeVideo(options=h264(open_gop=1))
_VP9 = {"deadline": "good", "cpu-used": "5", "auto-alt-ref": "1", "lag-in-frames": "16", "threads": "1", "g": "20"}
_HEVC = {"x265-params": "keyint=12:min-keyint=12:bframes=3:log-level=none:pools=1:frame-threads=1"}
_FAST_START = MadeVideo(options=h264(), mux_options={"movflags": "faststart"})

DECODER_CASES: tuple[DecoderCase, ...] = (
    DecoderCase("h264-b-frames", _PLAIN, range(48)),
    DecoderCase("h264-open-gop", _OPEN_GOP, range(48)),
    DecoderCase("h264-one-key-frame", MadeVideo(options=h264(keyint=250)), range(48)),
    DecoderCase("h264-gradual-refresh", MadeVideo(options=h264(intra_refresh=1, bframes=0)), range(48)),
    DecoderCase("h264-in-mkv", _OPEN_GOP, range(48), ".mkv", remux),
    DecoderCase("h264-in-avi", MadeVideo(suffix=".avi", options=h264()), range(48)),
    DecoderCase("h264-open-gop-in-avi", MadeVideo(suffix=".avi", options=h264(open_gop=1)), range(48)),
    DecoderCase("h264-in-ts", MadeVideo(suffix=".ts", options=h264()), range(48)),
    DecoderCase("h264-without-container", MadeVideo(suffix=".h264", options=h264()), range(48)),
    DecoderCase("hevc-open-gop", MadeVideo(codec="libx265", options=_HEVC), range(48)),
    DecoderCase(
        "variable-frame-rate", MadeVideo(options=h264(), times=lambda n: n * 512 + n * n * 37 % 300), range(48)
    ),
    DecoderCase("first-pts-not-zero", MadeVideo(options=h264(), times=lambda n: 9000 + n * 512), range(48)),
    DecoderCase("vp9", MadeVideo(codec="libvpx-vp9", suffix=".webm", options=_VP9), range(48)),
    DecoderCase("vp8-hidden-frames", MadeVideo(codec="libvpx", suffix=".webm", options=_VP9), range(48)),
    DecoderCase("mpeg4-in-avi", MadeVideo(codec="mpeg4", suffix=".avi"), range(48)),
    DecoderCase("mpeg4-b-frames-in-avi", MadeVideo(codec="mpeg4", suffix=".avi", b_frames=2), range(48)),
    DecoderCase("mpeg4-in-mp4", MadeVideo(codec="mpeg4", b_frames=2), range(48)),
    DecoderCase("mpeg2-program-stream", MadeVideo(codec="mpeg2video", suffix=".mpg", b_frames=2), range(48)),
    DecoderCase("mjpeg-in-avi", MadeVideo(codec="mjpeg", suffix=".avi", pixel_format="yuvj420p"), range(48)),
    DecoderCase("rotated-90", MadeVideo(options=h264(), rotation=90), range(48)),
    DecoderCase("rotated-180", MadeVideo(options=h264(), rotation=180), range(48)),
    DecoderCase("rotated-270", MadeVideo(options=h264(), rotation=270), range(48)),
    DecoderCase("ten-bit", MadeVideo(options=h264(), pixel_format="yuv420p10le"), range(48)),
    DecoderCase(
        "odd-size", MadeVideo(codec="libvpx-vp9", suffix=".webm", options=_VP9, width=161, height=97), range(48)
    ),
    DecoderCase("odd-size-444", MadeVideo(options=h264(), pixel_format="yuv444p", width=161, height=97), range(48)),
    DecoderCase(
        "no-frame-count", MadeVideo(options=h264(), mux_options={"movflags": "frag_keyframe+empty_moov"}), range(48)
    ),
    DecoderCase("one-frame", MadeVideo(options=h264(), num_frames=1), range(1)),
    DecoderCase("edit-list", _PLAIN, range(5, 48), change=_start_later),
    DecoderCase("first-key-frame-missing", _PLAIN, range(12, 48), ".mkv", _without_first_packet),
    DecoderCase("first-key-frame-missing-open-gop", _OPEN_GOP, range(12, 48), ".mkv", _without_first_packet),
    DecoderCase("truncated", _FAST_START, range(48), change=_cut_to(0.6), is_cut=True),
    DecoderCase("truncated-avi", MadeVideo(suffix=".avi", options=h264()), range(48), change=_cut_to(0.8), is_cut=True),
    DecoderCase("truncated-ts", MadeVideo(suffix=".ts", options=h264()), range(48), change=_cut_to(0.6), is_cut=True),
)


@frozen
class BadVideo:
    """A file that is no usable video, and a word that the message about it must hold."""

    name: str
    file: str
    write: Callable[[Path], object]
    word: str

    def __str__(self) -> str:
        return self.name


BAD_VIDEOS: tuple[BadVideo, ...] = (
    BadVideo("missing", "missing.mp4", lambda path: None, "no such"),
    BadVideo("empty", "empty.mp4", lambda path: path.touch(), "empty"),
    BadVideo("folder", "folder.mp4", lambda path: path.mkdir(), "folder"),
    BadVideo("text", "text.mp4", lambda path: path.write_text("not a video\n" * 100), "cannot be opened"),
    BadVideo("audio only", "audio.mp4", write_audio, "no video stream"),
    BadVideo("no frames", "none.mp4", MadeVideo(options=h264(), num_frames=0).write, "none.mp4"),
    BadVideo("header missing", "cut.mp4", lambda path: cut(_PLAIN.write(path), path, 0.5), "cannot be opened"),
)


def check_refuses(decoder: Decoder, bad: BadVideo, folder: Path) -> None:
    """The decoder raises a DataError that names the file and says what is wrong."""
    path = folder / bad.file
    bad.write(path)
    try:
        decoder.open(path).close()
    except DataError as error:
        message = str(error)
    else:
        raise AssertionError(f"{bad.name}: opened without complaint")
    assert bad.file in message, f"the message does not name the file: {message}"
    assert bad.word in message, f"the message does not say {bad.word!r}: {message}"


def check_decoder(
    decoder: Decoder, case: DecoderCase, folder: Path, may_refuse: Collection[str] = ()
) -> Literal["exact", "refused"]:
    """Every frame of a case is right, one by one and in any order, or the file is refused as declared.

    Raises:
        AssertionError: A wrong frame, a wrong description, or a refusal that `may_refuse` does not name.
    """
    truth = {read_number(picture): picture for picture in decode_all(case.encoded(folder))}
    assert set(case.frames) <= set(truth), f"{case}: this FFmpeg cannot decode what it encoded, the case is void"
    path = case.write(folder)
    refusal = None
    try:
        with decoder.open(path) as reader:
            _check_info(reader, case)
            numbers = _check_each(reader, case, truth)
            _check_random_access(reader, case, numbers)
            _check_views(reader, case, len(numbers))
            _check_range(reader, case)
    except DataError as error:
        refusal = str(error)
    if refusal is None:
        return "exact"
    assert case.name in may_refuse, f"{case}: refused, which is not declared: {refusal}"
    assert path.name in refusal, f"the refusal does not name the file: {refusal}"
    return "refused"


def _check_info(reader: VideoReader, case: DecoderCase) -> None:
    info, video = reader.info, case.video
    count = len(case.frames)
    assert info.num_frames == count or (case.is_cut and 0 < info.num_frames < count), (
        f"{case}: {info.num_frames} frames, not {count}"
    )
    size = (video.height, video.width) if video.rotation % 180 else (video.width, video.height)
    assert (info.width, info.height) == size, f"{case}: {info.width}x{info.height}, not {size[0]}x{size[1]}"
    assert info.rotation == video.rotation, f"{case}: rotation {info.rotation}, not {video.rotation}"
    assert len(info.timestamps) == info.num_frames
    assert (np.diff(info.timestamps) > 0).all(), f"{case}: time stamps do not ascend"
    if case.is_cut or info.num_frames == 1:
        return
    expected = np.array([video.seconds(number) for number in case.frames])
    # Containers may move the start; between frames the times are the encoded ones, to a millisecond's rounding.
    drift = np.abs((info.timestamps - info.timestamps[0]) - (expected - expected[0])).max()
    assert drift < 0.0015, f"{case}: time stamps are off by up to {drift:.4f} s"
    rate = (count - 1) / (expected[-1] - expected[0])
    assert abs(info.fps / rate - 1) < 0.02, f"{case}: {info.fps} frames a second, not {rate}"


def _check_each(reader: VideoReader, case: DecoderCase, truth: dict[int, Pixels]) -> list[int]:
    """Read frame after frame on its own. Returns the number that each of them carries."""
    numbers = list[int]()
    for index in range(reader.info.num_frames):
        try:
            picture = _upright(reader.frames([index])[0], case)
        except DataError:
            if case.is_cut and index:
                break
            raise
        number = read_number(picture)
        # Of a cut file, frames can be missing near its end, where packets are not in the order shown.
        right = number > max(numbers, default=-1) if case.is_cut else number == case.frames[index]
        assert right and number in truth, f"{case}: frame {index} shows {number}"
        difference = int(np.abs(picture.astype(int) - truth[number]).max())
        assert difference <= TOLERANCE, f"{case}: frame {index} is off by {difference} grey levels"
        numbers.append(number)
    return numbers


def _check_random_access(reader: VideoReader, case: DecoderCase, numbers: list[int]) -> None:
    rng = np.random.default_rng(0)
    choices = [rng.integers(0, len(numbers), size).tolist() for size in (1, 3, 8, 20)]
    for indices in [*choices, list(range(0, len(numbers), 2))]:
        got = [read_number(_upright(frame, case)) for frame in reader.frames(indices)]
        expected = [numbers[index] for index in indices]
        assert got == expected, f"{case}: frames {indices} show {got}, not {expected}"
    assert reader.frames([]).shape == (0, 3, reader.info.height, reader.info.width)


def _check_views(reader: VideoReader, case: DecoderCase, count: int) -> None:
    """All views of one pass have the asked-for size and show the asked-for part."""
    info = reader.info
    indices = [count - 1, 0, count // 2, 0]
    box = (info.width // 5 | 1, info.height // 4 | 1, info.width // 2, info.height // 2)  # odd on purpose
    x, y, width, height = box
    views = (
        None,
        FrameView(crop=box),
        FrameView(size=(33, 47)),
        FrameView(crop=box, size=(40, 24)),
        FrameView(crop=box, size=(40, 24), scaling="bilinear"),
        FrameView(crop=box, size=(40, 24), scaling="reference"),
        FrameView(crop=box, size=(40, 24), window=(3, 5, 17, 20)),
    )
    whole, cropped, scaled, both, bilinear, reference, window = reader.read([(indices, view) for view in views])
    assert all(tensor.dtype == torch.uint8 for tensor in (whole, cropped, scaled, both, bilinear, reference, window))
    assert whole.shape == (4, 3, info.height, info.width)
    assert torch.equal(whole[1], whole[3]), f"{case}: the same frame twice in one request differs"
    expected = whole[:, :, y : y + height, x : x + width]
    assert torch.equal(cropped, expected), f"{case}: a crop is not the part of the frame that it names"
    assert torch.equal(window, both[:, :, 5:25, 3:20]), f"{case}: a window is not the part of the view that it names"
    assert scaled.shape == (4, 3, 33, 47)
    for name, tensor in (("area", both), ("bilinear", bilinear)):
        assert tensor.shape == (4, 3, 40, 24)
        mean = (tensor.float() - F.interpolate(expected.float(), (40, 24), mode="area")).abs().mean().item()
        assert mean < 8, f"{case}: a cropped and scaled view ({name}) is off by {mean:.1f} grey levels in the mean"
    exact = F.interpolate(expected.float(), (40, 24), mode="bilinear", align_corners=False)
    worst = (reference.float() - exact).abs().max().item()
    assert worst <= 2, f"{case}: scaling = 'reference' is off by {worst:.1f} grey levels"


def _check_range(reader: VideoReader, case: DecoderCase) -> None:
    for index in (-1, reader.info.num_frames):
        try:
            reader.frames([index])
        except DataError as error:
            message = str(error)
        else:
            raise AssertionError(f"{case}: frame {index} was given, though it does not exist")
        assert str(index) in message, f"the message does not name frame {index}: {message}"


def _upright(frame: Tensor, case: DecoderCase) -> Pixels:
    """A shown frame `[C, H, W]`, turned back to how it was encoded."""
    return upright(frame.permute(1, 2, 0).numpy(), case.video.rotation)
