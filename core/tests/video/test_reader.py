from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.pyav import PyAV
from vidcore.data.video.reader import PyAVReader
from vidcore.data.video.source import OpenVideo
from vidcore.errors import DataError
from vidcore.interfaces import FrameView
from vidcore.testing.decoders import DECODER_CASES, DecoderCase
from vidcore.testing.made_videos import MadeVideo, h264, read_number


def numbers(frames: torch.Tensor) -> list[int]:
    return [read_number(frame.permute(1, 2, 0).numpy()) for frame in frames]


def read_in_child(reader: PyAVReader, results: multiprocessing.Queue[list[int]]) -> None:
    results.put(numbers(reader.frames(list(range(0, 48, 3)))))


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_open_reader_works_in_parent_and_child_at_once(clip: Path, method: str) -> None:
    context = multiprocessing.get_context(method)
    results = context.Queue()
    with PyAV().open(clip) as reader:
        assert numbers(reader.frames([30])) == [30]
        child = context.Process(target=read_in_child, args=(reader, results))
        child.start()
        for _ in range(20):
            assert numbers(reader.frames([5, 40])) == [5, 40]
        assert results.get(timeout=60) == list(range(0, 48, 3))
        child.join()
    assert child.exitcode == 0


def test_reader_and_decoder_pickle(clip: Path) -> None:
    with PyAV().open(clip) as reader:
        reader.frames([3])
        copy = pickle.loads(pickle.dumps(reader))
    assert numbers(copy.frames([47, 0])) == [47, 0]
    copy.close()
    assert numbers(pickle.loads(pickle.dumps(PyAV())).open(clip).frames([7])) == [7]


def test_closing_gives_the_file_back_and_reading_opens_it_again(clip: Path) -> None:
    before = len(os.listdir("/dev/fd"))
    with PyAV().open(clip) as reader:
        reader.frames([30, 2])
    assert len(os.listdir("/dev/fd")) == before
    assert numbers(reader.frames([30])) == [30]
    reader.close()
    reader.close()


def test_bytes_are_read_like_a_file(clip: Path) -> None:
    with PyAV().open(clip.read_bytes()) as reader:
        assert reader.info.num_frames == 48
        assert numbers(reader.frames([40, 3, 40])) == [40, 3, 40]


def test_each_frame_is_decoded_once_for_all_requests(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    delivered: list[int] = []
    original = PyAVReader._deliver

    def deliver(self: PyAVReader, number: int, *rest: Any) -> None:
        delivered.append(number)
        original(self, number, *rest)

    monkeypatch.setattr(PyAVReader, "_deliver", deliver)
    view = FrameView(crop=(10, 10, 64, 64), size=(32, 32))
    with PyAV().open(clip) as reader:
        whole, small, again = reader.read([([1, 2, 3], None), ([2, 3, 4, 2], view), (np.array([3, 20]), None)])
    assert delivered == [1, 2, 3, 4, 20]
    assert numbers(whole) == [1, 2, 3]
    assert numbers(again) == [3, 20]
    assert small.shape == (4, 3, 32, 32)
    assert torch.equal(small[0], small[3])


def test_a_late_frame_is_decoded_from_the_key_frame_before_it(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[int] = []
    original = PyAVReader._packets_from

    def counted(self: PyAVReader, key: int, options: dict[str, str]) -> Any:
        first = int(self.index.key_packets[key])
        for number, packet in enumerate(original(self, key, options), start=first):
            fed.append(number)
            yield packet

    monkeypatch.setattr(PyAVReader, "_packets_from", counted)
    with PyAV().open(clip) as reader:
        assert numbers(reader.frames([40])) == [40]
        key = int(reader.index.key_packets[3])  # groups are of 12 pictures
        assert fed[0] == key >= 36
        assert len(fed) <= 12


def test_frames_that_nobody_needs_are_not_decoded_and_nothing_else_changes(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[int] = []
    original = PyAVReader._decoded

    def counted(self: PyAVReader, *arguments: Any) -> Any:
        for frame in original(self, *arguments):
            came.append(frame.pts or 0)
            yield frame

    monkeypatch.setattr(PyAVReader, "_decoded", counted)
    decoded, pictures = {}, {}
    for skip in (True, False):
        came.clear()
        with PyAV(PyAVConfig(skip_nonref=skip)).open(clip) as reader:
            pictures[skip] = reader.frames([9, 22, 46])
        decoded[skip] = set(came)
    assert numbers(pictures[True]) == [9, 22, 46]
    assert torch.equal(pictures[True], pictures[False])
    assert decoded[True] < decoded[False]
    assert len(decoded[True]) < 0.8 * len(decoded[False])


@pytest.mark.parametrize("case", [case for case in DECODER_CASES if not case.is_cut], ids=str)
def test_first_attempt_succeeds(case: DecoderCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second, careful attempt gives right frames too, slowly: it must not hide that seeking or skipping broke."""
    path = case.write(tmp_path)
    careful: list[object] = []
    original = OpenVideo.of

    def of(source: object, threads: int = 1, options: dict[str, str] | None = None) -> OpenVideo:
        if options and "strict" in options:
            careful.append(options)
        return original(source, threads, options)  # type: ignore[arg-type]

    monkeypatch.setattr(OpenVideo, "of", of)
    rng = np.random.default_rng(0)
    with PyAV().open(path) as reader:
        for size in (1, 4, 12):
            reader.frames(rng.integers(0, reader.info.num_frames, size).tolist())
            reader.frames(list(range(int(rng.integers(0, reader.info.num_frames)), reader.info.num_frames, size)))
    assert not careful


def damage(path: Path, packet: int) -> None:
    """Overwrite a packet with zeros, as a bad sector does."""
    with contextlib.closing(OpenVideo.of(PyAV().open(path)._source)) as video:
        place, size = next((p.pos, p.size) for number, p in enumerate(video.packets()) if number == packet)
    assert place is not None
    data = bytearray(path.read_bytes())
    data[place : place + size] = bytes(size)
    path.write_bytes(data)


def test_damage_is_told_and_frames_that_do_not_need_it_are_read(tmp_path: Path) -> None:
    path = MadeVideo(options=h264(bframes=0)).write(tmp_path / "clip.mp4")
    damage(path, packet=15)
    with PyAV().open(path) as reader:
        assert numbers(reader.frames([0, 11, 14, 24, 47])) == [0, 11, 14, 24, 47]
        for frame in (15, 16, 23):
            with pytest.raises(DataError, match=rf"clip\.mp4: frame {frame} .*damaged"):
                reader.frames([frame])
        assert numbers(reader.frames([40])) == [40]


def test_damage_is_told_too_where_decoding_starts_at_recovery_points(tmp_path: Path) -> None:
    path = MadeVideo(options=h264(open_gop=1)).write(tmp_path / "clip.mp4")
    damage(path, packet=15)
    with PyAV().open(path) as reader:
        assert reader.index.false_alarms
        assert numbers(reader.frames([0, 11, 24, 47])) == [0, 11, 24, 47]
        with pytest.raises(DataError, match=r"clip\.mp4: frame 16 .*damaged"):
            reader.frames([16])


def test_crop_outside_the_frame_is_refused_with_its_numbers(clip: Path) -> None:
    with PyAV().open(clip) as reader, pytest.raises(DataError, match=r"\(100, 0, 61, 96\).*160x96"):
        reader.frames([0], FrameView(crop=(100, 0, 61, 96)))


def test_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    parts = [MadeVideo(suffix=".h264", options=h264(), num_frames=12, width=width) for width in (160, 128)]
    path = tmp_path / "sizes.h264"
    path.write_bytes(b"".join(part.write(tmp_path / f"{part.width}.h264").read_bytes() for part in parts))
    with PyAV().open(path) as reader:
        assert numbers(reader.frames([11])) == [11]
        with pytest.raises(DataError, match=r"frame 20 is 128x96, the first one 160x96"):
            reader.frames([20])


def test_float_index_is_a_mistake_of_the_caller(clip: Path) -> None:
    with PyAV().open(clip) as reader, pytest.raises(TypeError):
        reader.frames([1.5])  # type: ignore[list-item]
