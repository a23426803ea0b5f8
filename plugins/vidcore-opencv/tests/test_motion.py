from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from vidcore.errors import DataError
from vidcore.testing import make_video
from vidcore_opencv.motion import motion_of

_NOISE = np.random.default_rng(0).uniform(0, 255, (160, 256, 3)).astype(np.float32)
_TEXTURE = cv2.normalize(cv2.GaussianBlur(_NOISE, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def panned(index: int, width: int, height: int) -> NDArray[np.uint8]:
    """A texture that moves 4 pixels to the right and 2 down from frame to frame."""
    left, top = 96 - 4 * index, 48 - 2 * index
    return _TEXTURE[top : top + height, left : left + width]


def test_motion_is_where_things_went(tmp_path: Path) -> None:
    options = {"x264-params": "bframes=0:ref=1:keyint=100"}
    path = make_video(tmp_path / "pan.mp4", num_frames=10, width=128, height=96, options=options, picture=panned)
    motions = list(motion_of(path))
    assert len(motions) == 10
    assert len(motions[0].moved) == 0
    assert not motions[0].dense().any()
    for motion in motions[1:]:
        assert motion.dense().shape == (96, 128, 2)
        inside = motion.dense()[16:-16, 16:-16].reshape(-1, 2)
        np.testing.assert_allclose(np.median(inside, axis=0), (4, 2), atol=0.3)


def test_vectors_from_later_frames_are_told_apart(tmp_path: Path) -> None:
    options = {"x264-params": "bframes=3:b-adapt=0:keyint=100"}
    path = make_video(tmp_path / "pan.mp4", num_frames=10, width=128, height=96, options=options, picture=panned)
    motions = list(motion_of(path))
    assert any(motion.later.any() for motion in motions)
    backwards = np.concatenate([motion.moved[motion.later] for motion in motions])
    assert np.median(backwards[:, 0]) < 0


@pytest.mark.parametrize(
    ("name", "codec", "told"), [("a.webm", "libvpx-vp9", "is vp9; FFmpeg gives the motion of h264")]
)
def test_codec_without_motion_is_refused(tmp_path: Path, name: str, codec: str, told: str) -> None:
    path = make_video(tmp_path / name, num_frames=2, codec=codec)
    with pytest.raises(DataError, match=told):
        next(motion_of(path))


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.mp4: cannot be decoded: No such file"):
        next(motion_of(tmp_path / "nowhere.mp4"))
