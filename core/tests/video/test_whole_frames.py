from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from vidcore.data.video.whole_frames import WholeFrames
from vidcore.errors import DataError
from vidcore.interfaces import FrameView, VideoInfo

FRAMES = torch.arange(5, dtype=torch.uint8).view(5, 1, 1, 1).expand(5, 3, 4, 6)
INFO = VideoInfo(num_frames=5, fps=0.0, width=6, height=4, timestamps=np.zeros(5))


def test_each_frame_is_decoded_once_and_given_in_the_order_asked_for() -> None:
    asked = []

    def decode(numbers: list[int]) -> Tensor:
        asked.append(numbers)
        return FRAMES[numbers]

    half = FrameView(crop=(0, 0, 3, 4))
    whole, cut = WholeFrames("x", INFO, decode).read([([3, 0, 3], None), ([1, 0], half)])
    assert asked == [[0, 1, 3]]
    assert whole[:, 0, 0, 0].tolist() == [3, 0, 3]
    assert cut.shape == (2, 3, 4, 3)
    assert cut[:, 0, 0, 0].tolist() == [1, 0]


def test_windows_are_cut_from_pictures_that_were_scaled_once() -> None:
    sloped = (torch.arange(6, dtype=torch.uint8) * 20).expand(5, 3, 4, 6)
    views = [FrameView(size=(8, 12), window=(x, 2, 4, 5)) for x in (0, 8)]
    reader = WholeFrames("x", INFO, lambda numbers: sloped[numbers])
    whole, left, right = reader.read([([1, 2], FrameView(size=(8, 12))), ([2, 2, 1], views[0]), ([1], views[1])])
    assert torch.equal(left, whole[[1, 1, 0], :, 2:7, :4])
    assert torch.equal(right, whole[:1, :, 2:7, 8:])
    with pytest.raises(DataError, match=r"x: window \(9, 2, 4, 5\) .* does not fit into 12x8"):
        reader.frames([0], FrameView(size=(8, 12), window=(9, 2, 4, 5)))


def test_nothing_is_decoded_for_no_frames() -> None:
    reader = WholeFrames("x", INFO, lambda numbers: FRAMES[[9]])
    assert reader.frames([]).shape == (0, 3, 4, 6)


@pytest.mark.parametrize("number", [-1, 5])
def test_frames_outside_the_video_are_refused(number: int) -> None:
    with pytest.raises(DataError, match=f"x: frame {number} does not exist: the video has frames 0 to 4"):
        WholeFrames("x", INFO, lambda numbers: FRAMES[numbers]).frames([0, number])


def test_closing_gives_the_files_back() -> None:
    closed = []
    with WholeFrames("x", INFO, lambda numbers: FRAMES[numbers], lambda: closed.append(True)):
        assert not closed
    assert closed == [True]
