"""Real files: each frame is the one that plain decoding gives."""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from vidcore.data.video.pyav import PyAV

FRAMES = {
    "S001C001P001R001A001_rgb.avi": 103,  # H.264 with B-frames in AVI: the packets' times are counters
    "demo.mp4": 280,
    "demo_skeleton.mp4": 72,
    "demo_spatiotemporal_det.mp4": 57,
    "test.avi": 164,  # XviD with packed B-frames
    "test.mp4": 300,
    "test_video_structuralize.mp4": 300,
}


def shared(name: str) -> Path:
    root = Path(os.environ.get("VIDCORE_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))
    if not root.is_dir():
        pytest.skip("shared test data absent")
    return root / "videos" / name


@pytest.mark.parametrize("name", FRAMES)
def test_any_frames_equal_plain_decoding(name: str) -> None:
    path = shared(name)
    rng = np.random.default_rng(0)
    with PyAV().open(path) as reader:
        count = reader.info.num_frames
        clip = list(range(int(rng.integers(0, count // 2)), count, 2))[:32]
        requests = [rng.integers(0, count, 4).tolist(), clip, [count - 1, 0]]
        got = [reader.frames(indices) for indices in requests]
    wanted = {index for indices in requests for index in indices}
    with av.open(str(path)) as container:
        plain = {
            number: torch.from_numpy(frame.to_ndarray(format="rgb24")).permute(2, 0, 1)
            for number, frame in enumerate(container.decode(video=0))
            if number in wanted or number == FRAMES[name] - 1
        }
    assert count == FRAMES[name]
    for indices, frames in zip(requests, got, strict=True):
        for index, frame in zip(indices, frames, strict=True):
            assert torch.equal(frame, plain[index]), f"frame {index} is another picture"
