"""Pieces of videos hold exactly the frames and the sound that were asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import Result

from vidcore.testing.made_videos import MadeVideo, decode_all, h264, read_number

Vidcore = Callable[..., Result]


def numbers(path: Path) -> list[int]:
    return [read_number(picture) for picture in decode_all(path)]


def segments(*rows: str, header: str = "video,start,end") -> None:
    Path("segments.csv").write_text("\n".join([header, *rows]) + "\n")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_a_piece_has_the_frames_from_start_to_before_end(tmp_path: Path, vidcore: Vidcore, suffix: str) -> None:
    codec = {"codec": "mpeg4", "b_frames": 2} if suffix == ".avi" else {"options": h264()}
    (tmp_path / "films").mkdir()
    MadeVideo(suffix=suffix, num_frames=100, **codec).write(tmp_path / f"films/film{suffix}")  # type: ignore[arg-type]
    segments("film,0.6,1.0", f"film{suffix},1.3,2.5", "film,0:03.00,9")
    vidcore("cut segments.csv films pieces --workers 1")
    assert numbers(Path("pieces/film_0.6_1.mp4")) == list(range(15, 25))
    assert numbers(Path("pieces/film_1.3_2.5.mp4")) == list(range(33, 63))
    assert numbers(Path("pieces/film_3_9.mp4")) == list(range(75, 100))


def test_a_video_that_starts_late_is_cut_by_the_clock_of_a_player(tmp_path: Path, vidcore: Vidcore) -> None:
    made = MadeVideo(suffix=".mkv", num_frames=60, times=lambda number: 128_000 + 512 * number, options=h264())
    made.write(tmp_path / "late.mkv")
    segments("late,1,1.4")
    vidcore("cut segments.csv late.mkv pieces --workers 1")
    assert numbers(Path("pieces/late_1_1.4.mp4")) == list(range(25, 35))


def test_sound_is_cut_with_its_pictures(videos: Path, vidcore: Vidcore) -> None:
    segments("jump/c.mp4,0.5,1.5,loud", header="video,start,end,label")
    vidcore("cut segments.csv videos pieces --workers 1")
    with av.open("pieces/loud/c_0.5_1.5.mp4") as container:
        parts = [frame.to_ndarray() for frame in container.decode(audio=0)]
        rate = container.streams.audio[0].rate
    values = np.abs(np.concatenate(parts, axis=1)[0])
    assert len(values) / rate == pytest.approx(1.0, abs=0.1)
    third = rate // 3
    assert values[1500:third].mean() == pytest.approx(0.1, rel=0.2)
    assert values[-third:-1500].mean() == pytest.approx(0.2, rel=0.2)


@pytest.mark.parametrize(("codec", "suffix"), [("pcm_s16le", ".avi"), ("ac3", ".ts")])
def test_sound_of_any_kind_is_cut(
    tmp_path: Path, vidcore: Vidcore, with_sound: Callable[..., Path], codec: str, suffix: str
) -> None:
    with_sound(tmp_path / f"any{suffix}", codec=codec, rate=48_000)
    segments("any,1,1.6")
    vidcore(f"cut segments.csv any{suffix} pieces --workers 1")
    assert numbers(Path("pieces/any_1_1.6.mp4")) == list(range(25, 40))
    with av.open("pieces/any_1_1.6.mp4") as container:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert len(heard) / 48_000 == pytest.approx(0.6, abs=0.05)
    assert np.abs(heard[4000:-4000]).mean() == pytest.approx(0.2, rel=0.2)


def test_videos_that_are_not_there_and_segments_behind_the_end_are_counted(videos: Path, vidcore: Vidcore) -> None:
    segments("run/a.mp4,0,0.4", "nowhere.mp4,0,1", "run/b.mp4,5,6")
    vidcore("cut segments.csv videos pieces --workers 1", exit_code=1)
    failed = Path("pieces/failed.txt").read_text()
    assert "nowhere_0_1\t" in failed and "b_5_6\t" in failed and "no frame between 5 s and 6 s" in failed
    assert [path.name for path in Path("pieces").glob("*.mp4")] == ["a_0_0.4.mp4"]


def test_every_wrong_row_is_told(videos: Path, vidcore: Vidcore) -> None:
    segments("a,3,1", "a,x,1", ",0,1")
    text = str(vidcore("cut segments.csv videos pieces", exit_code=1).exception)
    assert "segments.csv:2: the end, 1 s, is not after the start, 3 s" in text
    assert "segments.csv:3: start is 'x'; expected seconds" in text and "segments.csv:4: no video" in text
    segments("a,1", header="video,begin")
    text = str(vidcore("cut segments.csv videos pieces", exit_code=1).exception)
    assert "segments.csv:1: the header has no column 'start', 'end'" in text
