from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidcore.data.sampling import DenseSampling, Sampling
from vidcore.data.sampling_config import Dense
from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.pyav import PyAV
from vidcore.errors import DataError
from vidcore.randomness import Purpose, generator
from vidcore_augment.sampling_config import Segments, Uniform, Untrimmed, Window
from vidcore_augment.samplings import (
    SegmentSampling,
    UniformSampling,
    UntrimmedSampling,
    WindowSampling,
    untrimmed_frames,
)


def rng(index: int = 0) -> np.random.Generator:
    return generator(0, Purpose.SAMPLE, index=index)


SAMPLINGS: list[tuple[Sampling, int]] = [
    (SegmentSampling(Segments(num_segments=5)), 5),
    (SegmentSampling(Segments(num_segments=3, frames_per_segment=4, frame_interval=2)), 12),
    (WindowSampling(Window(num_segments=4, window=16)), 4),
    (WindowSampling(Window(num_segments=2, frames_per_segment=3, frame_interval=2, out_of_bound="repeat-last")), 6),
    (UniformSampling(Uniform(num_frames=6)), 6),
]


@pytest.mark.parametrize("number", range(len(SAMPLINGS)))
@given(length=st.integers(1, 200), num_clips=st.sampled_from([1, 2, 5]))
def test_frames_lie_inside_the_video_whatever_its_length(number: int, length: int, num_clips: int) -> None:
    sampling, num_frames = SAMPLINGS[number]
    for draws in (None, rng(length)):
        frames = sampling.clips(length, 25.0, draws, num_clips)
        assert frames.shape == (num_clips, num_frames)
        assert frames.dtype == np.int64
        assert frames.min() >= 0 and frames.max() < length


@pytest.mark.parametrize("sampling", [sampling for sampling, _ in SAMPLINGS])
def test_same_generator_gives_the_same_frames_and_another_one_others(sampling: Sampling) -> None:
    first, again, other = (sampling.clips(180, 25.0, rng(index)) for index in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize("sampling", [*(sampling for sampling, _ in SAMPLINGS), UntrimmedSampling(Untrimmed())])
def test_a_video_without_frames_is_refused(sampling: Sampling) -> None:
    with pytest.raises(DataError, match="0 frames"):
        sampling.clips(0, 25.0, None)


def test_window_draws_the_last_place_unless_told_not_to() -> None:
    def places(last_start: bool) -> set[int]:
        window = WindowSampling(Window(num_segments=1, window=10, last_start=last_start))
        return {int(window.clips(12, 25.0, rng(i))[0, 0]) for i in range(60)}

    assert places(last_start=True) == {0, 1, 2}
    assert places(last_start=False) == {0, 1}


def test_window_stands_at_as_many_places_as_views_ask_for() -> None:
    window = WindowSampling(Window(num_segments=2, window=20, num_positions=4))
    assert window.clips(80, 25.0, None).tolist() == [[0, 10], [20, 30], [40, 50], [60, 70]]
    assert window.clips(80, 25.0, None, 2).tolist() == [[0, 10], [60, 70]]


def test_uniform_covers_the_whole_video() -> None:
    frames = UniformSampling(Uniform(num_frames=4)).clips(41, 25.0, None)
    assert frames.tolist() == [[5, 15, 25, 35]]


def test_untrimmed_clips_go_all_along_and_repeat_the_edges() -> None:
    assert untrimmed_frames(21, 3, 8).tolist() == [[3, 4, 5], [11, 12, 13], [19, 20, 20]]
    untrimmed = UntrimmedSampling(Untrimmed(num_frames=3, clip_interval=8))
    assert (untrimmed.clips(20, 25.0, rng()) == untrimmed.clips(20, 25.0, None)).all()
    with pytest.raises(DataError, match="4 frames, but clip_interval = 8 needs at least 5"):
        untrimmed.clips(4, 25.0, None)


def test_configs_tell_how_many_frames_a_clip_has() -> None:
    assert Window(num_segments=4, frames_per_segment=2).clip_length == 8
    assert Uniform(num_frames=7).clip_length == 7
    assert Untrimmed(num_frames=2).clip_length == 2


def test_an_image_becomes_a_clip_that_repeats_it(tmp_path: Path) -> None:
    picture = np.full((32, 48, 3), (200, 90, 30), np.uint8)
    with av.open(str(tmp_path / "x.jpg"), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuvj420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    with PyAV(PyAVConfig(index_cache=False)).open(tmp_path / "x.jpg") as reader:
        (clip,) = DenseSampling(Dense(num_frames=4, frame_interval=2)).clips(
            reader.info.num_frames, reader.info.fps, rng()
        )
        frames = reader.frames(clip.tolist())
    assert frames.shape == (4, 3, 32, 48)
    assert np.abs(frames.permute(0, 2, 3, 1).numpy().astype(int) - picture).max() <= 6


def test_two_clips_of_segments_take_middles_and_starts() -> None:
    assert SegmentSampling(Segments(num_segments=4)).clips(40, 25.0, None, 2).tolist() == [
        [5, 15, 25, 35],
        [0, 10, 20, 30],
    ]


def test_several_clips_of_stacked_segments_take_different_frames() -> None:
    stacked = SegmentSampling(Segments(num_segments=2, frames_per_segment=3))
    first, second = stacked.clips(60, 25.0, None, 2)
    assert first.tolist() == [0, 1, 2, 38, 39, 40]
    assert second.tolist() == [19, 20, 21, 57, 58, 59]


def test_a_clip_of_segments_has_the_frames_of_all() -> None:
    assert Segments(num_segments=3, frames_per_segment=5).clip_length == 15
