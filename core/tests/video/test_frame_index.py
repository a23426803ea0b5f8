from __future__ import annotations

import struct
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidcore.data.video.frame_index import FrameIndex
from vidcore.data.video.keyframes import Start, kind_of_start
from vidcore.data.video.orientation import Orientation


def index_with(num_frames: int = 100, keys: tuple[int, ...] = (0, 40, 80), **changes: Any) -> FrameIndex:
    numbers = np.arange(num_frames, dtype=np.int64)
    key_frames = np.array(keys, np.int64)
    values: dict[str, Any] = {
        "codec": "h264",
        "container": "mov,mp4",
        "pixel_format": "yuv420p",
        "time_base": Fraction(1, 12800),
        "fps": Fraction(30000, 1001),
        "coded_width": 320,
        "coded_height": 240,
        "pts": numbers * 427,
        "packets": numbers,
        "key_packets": key_frames,
        "key_frames": key_frames,
        "key_times": key_frames * 427,
        "key_pts": key_frames * 427,
        "key_sizes": key_frames + 1000,
    }
    return FrameIndex(**values | changes)


def test_neighbouring_frames_are_one_stretch_and_far_ones_start_at_their_own_key_frame() -> None:
    runs = list(index_with().runs([1, 10, 38, 41, 90]))
    assert [(run.key, run.frames) for run in runs] == [(0, (1, 10, 38, 41)), (2, (90,))]


@given(st.sets(st.integers(0, 99), min_size=1))
def test_runs_hold_every_frame_once_and_start_at_or_before_their_first(wanted: set[int]) -> None:
    index = index_with()
    runs = list(index.runs(sorted(wanted)))
    assert [frame for run in runs for frame in run.frames] == sorted(wanted)
    assert all(index.key_frames[run.key] <= run.frames[0] for run in runs)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3), st.booleans())
def test_index_survives_being_written_with_any_time_stamps(times: list[int], false_alarms: bool) -> None:
    index = index_with(key_times=np.array(times, np.int64), false_alarms=false_alarms, orientation=matrix(0, 1, -1, 0))
    copy = FrameIndex.from_bytes(index.to_bytes())
    for name in ("pts", "packets", "key_packets", "key_frames", "key_times", "key_pts", "key_sizes"):
        np.testing.assert_array_equal(getattr(copy, name), getattr(index, name))
    for name in (
        "codec",
        "container",
        "pixel_format",
        "time_base",
        "fps",
        "coded_width",
        "coded_height",
        "orientation",
        "false_alarms",
    ):
        assert getattr(copy, name) == getattr(index, name)


def test_index_of_an_ordinary_clip_takes_200_bytes() -> None:
    assert len(index_with(300, tuple(range(0, 300, 50))).to_bytes()) <= 200


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_any_changed_byte_is_noticed(place: int, change: int) -> None:
    data = bytearray(index_with().to_bytes())
    data[place % len(data)] ^= change
    with pytest.raises(ValueError):
        FrameIndex.from_bytes(bytes(data))


def matrix(a: int, b: int, c: int, d: int) -> Orientation | None:
    return Orientation.from_display_matrix(struct.pack("=9i", *(65536 * v for v in (a, b, 0, c, d, 0, 0, 0, 16384))))


def test_shown_box_is_found_in_the_coded_frame_whichever_way_it_is_turned() -> None:
    coded = np.arange(6 * 8, dtype=np.uint8).reshape(6, 8, 1)
    for a, b, c, d in [(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0), (-1, 0, 0, 1), (0, 1, 1, 0)]:
        orientation = matrix(a, b, c, d)
        assert orientation is not None
        shown = orientation.show(coded)
        height, width = shown.shape[:2]
        assert (width, height) == orientation.shown_size(8, 6)
        x, y, w, h = orientation.coded_box((1, 2, 3, 4), width, height)
        np.testing.assert_array_equal(orientation.show(coded[y : y + h, x : x + w]), shown[2:6, 1:4])


def test_quarter_turn_is_clockwise() -> None:
    quarter = matrix(0, 1, -1, 0)
    assert quarter is not None and quarter.rotation == 90
    left_column = np.array([[[1], [9]], [[2], [9]]], np.uint8)
    np.testing.assert_array_equal(quarter.show(left_column)[0, :, 0], [2, 1])


def test_every_way_but_quarter_turns_and_mirrors_is_refused() -> None:
    assert [matrix(*turn) for turn in [(1, 1, -1, 1), (0, 0, 0, 0), (1, 0, 1, 1), (0, 1, 0, 1)]] == [None] * 4
    turns = [(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)]
    assert [turned.rotation for turn in turns if (turned := matrix(*turn))] == [0, 90, 180, 270]


LENGTHS = b"\x01\x64\x00\x0b\xff"


def unit(*data: int) -> bytes:
    return len(data).to_bytes(4, "big") + bytes(data)


@pytest.mark.parametrize(
    ("packet", "kind"),
    [
        (unit(0x65, 0x88), Start.NEW),
        (unit(0x41, 0x88), Start.INEXACT),
        (unit(6, 6, 1, 0b11000100, 0x80) + unit(0x41, 0x88), Start.RECOVERY),
        (unit(6, 6, 1, 0b01000100, 0x80) + unit(0x41, 0x88), Start.INEXACT),  # recovers some frames later
        (unit(6, 5, 2, 9, 9, 6, 1, 0b11000100, 0x80) + unit(0x41), Start.RECOVERY),  # after another message
    ],
)
def test_h264_starts_are_told_apart(packet: bytes, kind: Start) -> None:
    assert kind_of_start("h264", LENGTHS, packet) == kind
    if packet.startswith(b"\0\0\0"):
        start_codes, at = b"", 0
        while at < len(packet):
            size = int.from_bytes(packet[at : at + 4], "big")
            start_codes += b"\0\0\0\1" + packet[at + 4 : at + 4 + size]
            at += 4 + size
        assert kind_of_start("h264", None, start_codes) == kind
