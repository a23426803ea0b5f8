from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidcore.data.clip_sampling import even_starts, random_starts, segment_middles, span_at_fps
from vidcore.data.sampling import DenseSampling, Sampling
from vidcore.data.sampling_config import Dense
from vidcore.errors import ConfigError, DataError
from vidcore.randomness import Purpose, generator


def rng(index: int = 0) -> np.random.Generator:
    return generator(0, Purpose.SAMPLE, index=index)


SAMPLINGS: list[tuple[Sampling, int]] = [
    (DenseSampling(Dense(num_frames=8, frame_interval=3)), 8),
    (DenseSampling(Dense(num_frames=8, frame_interval=3, jitter=True, out_of_bound="repeat-last")), 8),
    (DenseSampling(Dense(num_frames=4, frame_interval=2, target_fps=12.5, keep_tail=True)), 4),
    (DenseSampling(Dense(num_frames=1)), 1),
]


@pytest.mark.parametrize("number", range(len(SAMPLINGS)))
@given(length=st.integers(1, 200), fps=st.sampled_from([0.0, 24.0, 29.97, 120.0]), num_clips=st.sampled_from([1, 2, 5]))
def test_frames_lie_inside_the_video_whatever_its_length(number: int, length: int, fps: float, num_clips: int) -> None:
    sampling, num_frames = SAMPLINGS[number]
    for draws in (None, rng(length)):
        frames = sampling.clips(length, fps, draws, num_clips)
        assert frames.shape == (num_clips, num_frames)
        assert frames.dtype == np.int64
        assert frames.min() >= 0 and frames.max() < length


@pytest.mark.parametrize("sampling", [sampling for sampling, _ in SAMPLINGS])
def test_same_generator_gives_the_same_frames_and_another_one_others(sampling: Sampling) -> None:
    first, again, other = (sampling.clips(180, 25.0, rng(index)) for index in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize("sampling", [sampling for sampling, _ in SAMPLINGS])
def test_a_video_without_frames_is_refused(sampling: Sampling) -> None:
    with pytest.raises(DataError, match="0 frames"):
        sampling.clips(0, 25.0, None)


def test_test_clips_stand_evenly_from_first_to_last_start() -> None:
    assert even_starts(100, 32, 3).tolist() == [0, 34, 68]
    assert even_starts(30, 1, 15)[7] == 15  # 7 * (29 / 14) is a hair more than 14.5, which would be rounded to 14
    frames = DenseSampling(Dense(num_frames=2, frame_interval=31)).clips(100, 25.0, None, 3)
    assert frames.tolist() == [[0, 31], [34, 65], [68, 99]]


def test_views_decide_the_number_of_clips_in_testing_and_the_sampling_else() -> None:
    dense = DenseSampling(Dense(num_frames=2, num_clips=3))
    assert len(dense.clips(50, 25.0, None)) == 3
    assert len(dense.clips(50, 25.0, None, 10)) == 10


def test_short_video_loops_or_repeats_its_last_frame() -> None:
    loop = DenseSampling(Dense(num_frames=6, frame_interval=1))
    repeat = DenseSampling(Dense(num_frames=6, frame_interval=1, out_of_bound="repeat-last"))
    assert loop.clips(4, 25.0, None).tolist() == [[0, 1, 2, 3, 0, 1]]
    assert repeat.clips(4, 25.0, None).tolist() == [[0, 1, 2, 3, 3, 3]]


def test_target_fps_stretches_the_clip_of_a_faster_video() -> None:
    dense = DenseSampling(Dense(num_frames=4, frame_interval=2, target_fps=10))
    slow, fast = dense.clips(400, 10.0, None)[0], dense.clips(400, 40.0, None)[0]
    assert np.ptp(slow) == 7  # from the first frame to the end of the last step
    assert np.ptp(fast) == 31
    assert span_at_fps(4, 2, 0.0, 10) == span_at_fps(4, 2, 10.0, 10)  # an unknown rate counts as the target


def test_keep_tail_can_draw_the_last_frames() -> None:
    def highest(keep_tail: bool) -> int:
        return max(int(random_starts(15, 1, 8, rng(i), keep_tail).max()) for i in range(300))

    assert highest(keep_tail=True) == 14
    assert highest(keep_tail=False) == 7


def test_jitter_moves_each_frame_by_less_than_the_interval() -> None:
    plain, moved = (DenseSampling(Dense(num_frames=16, frame_interval=4, jitter=on)) for on in (False, True))
    shift = moved.clips(300, 25.0, rng())[0] - plain.clips(300, 25.0, rng())[0]
    assert shift.min() >= 0 and shift.max() <= 3 and len(set(shift.tolist())) > 1


def test_clips_of_segments_go_on_by_a_fraction_of_a_segment() -> None:
    assert segment_middles(40, 4, clip=1, num_clips=3).tolist() == pytest.approx([10 / 6, 70 / 6, 130 / 6, 190 / 6])


def test_twice_doubles_test_clips_and_refuses_a_single_one() -> None:
    twice = DenseSampling(Dense(num_frames=2, frame_interval=10, twice=True))
    assert len(twice.clips(100, 25.0, None, 3)) == 6
    assert len(DenseSampling(Dense(num_frames=1, twice=True)).clips(100, 25.0, None, 1)) == 2
    with pytest.raises(ConfigError, match=r"views\.clips"):
        twice.clips(100, 25.0, None, 1)


def test_configs_tell_how_many_frames_a_clip_has() -> None:
    assert Dense(num_frames=9).clip_length == 9
