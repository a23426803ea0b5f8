"""Skeletons where they are: in an image, in space, alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from vidcore_skeleton.config import SkeletonReader
from vidcore_skeleton.drawing import SkeletonLayer, in_frame, layout_named, usual_layout
from vidcore_skeleton.files import write_skeleton
from vidcore_skeleton.layouts import LAYOUTS, Layout
from vidcore_skeleton.sample_reader import SkeletonFileReader
from vidcore_skeleton.sampling_config import UniformDraws
from vidcore_skeleton.skeletons import Skeleton
from vidcore_skeleton.transform_config import Normalize2d, Streams

PAIR = Layout(joints=2, edges=((1, 0),), left=(1,), right=(0,))


def joints(*points: tuple[float, ...]) -> np.ndarray:
    """One person, one frame."""
    return np.array([[points]], np.float32)


def painted(skeleton: Skeleton, layout: Layout | None, size: tuple[int, int] = (60, 80)) -> torch.Tensor:
    """What is changed in a frame, bool `[3, H, W]`."""
    frames = torch.full((1, 3, *size), 128, dtype=torch.uint8)
    return SkeletonLayer(skeleton, layout).over(frames, [0.0])[0] != 128


def test_a_bone_goes_from_joint_to_joint_in_pixels_of_the_frame() -> None:
    picture = painted(Skeleton(joints=joints((20, 40), (140, 40)), image_size=(120, 160)), PAIR)
    assert picture[:, 20, 10:71].any(dim=0).all()  # the frame is half as large as the image
    assert not picture[:, 26:].any() and not picture[:, :15].any()


def test_what_was_not_found_is_not_drawn() -> None:
    scores = np.array([[[0.9, 0.1]]], np.float32)
    unsure = Skeleton(joints=joints((20, 40), (140, 40)), scores=scores, image_size=(120, 160))
    zero = Skeleton(joints=joints((20, 40), (0, 0)), image_size=(120, 160))
    for skeleton in (unsure, zero):
        picture = painted(skeleton, PAIR)
        assert picture[:, 20, 10].any() and not picture[:, :, 16:].any() and not picture[:, :10].any()


def test_metres_are_fitted_into_the_frame_head_up() -> None:
    points = np.zeros((1, 2, 20, 3), np.float32)
    points[..., 1] = np.linspace(1.0, -1.0, 20)  # from the head down
    points[..., 2] = 3.0
    skeleton = Skeleton(joints=points)
    layout = usual_layout(skeleton)
    assert layout is LAYOUTS["kinect-20"]
    placed = in_frame(skeleton, layout, (100, 200))
    assert placed[0, 0, 0].tolist() == pytest.approx([100, 10]) and placed[0, 1, 19].tolist() == pytest.approx(
        [100, 90]
    )
    assert in_frame(Skeleton(joints=points[..., :2]), layout, (100, 200))[0, 0, 0, 1] == pytest.approx(90)  # an image


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_drawn_whole(name: str) -> None:
    layout = LAYOUTS[name]
    rng = np.random.default_rng(0)
    skeleton = Skeleton(joints=rng.uniform(5, 95, (2, 3, layout.joints, 2)).astype(np.float32), image_size=(100, 100))
    assert painted(skeleton, layout, (100, 100)).any()
    assert usual_layout(skeleton).joints == layout.joints


def test_twenty_five_joints_are_kinect_in_space_and_openpose_in_an_image() -> None:
    points = np.ones((1, 1, 25, 3), np.float32)
    assert usual_layout(Skeleton(joints=points)) is LAYOUTS["nturgb+d"]
    assert usual_layout(Skeleton(joints=points[..., :2], image_size=(9, 9))) is LAYOUTS["openpose-25"]
    assert usual_layout(Skeleton(joints=np.ones((1, 1, 7, 2), np.float32))) == Layout(joints=7)
    assert layout_named([Normalize2d(), Streams(layout="jhmdb")]) is LAYOUTS["jhmdb"]


def test_a_file_is_seen_at_the_moments_of_its_video(tmp_path: Path) -> None:
    points = np.zeros((1, 5, 17, 2), np.float32)
    points[0, :, 0, 0], points[0, :, 0, 1] = [10, 20, 30, 40, 50], 24
    path = tmp_path / "a.npz"
    write_skeleton(path, Skeleton(joints=points, image_size=(48, 64)))
    layer = SkeletonFileReader(SkeletonReader(sampling=UniformDraws(num_frames=4))).layer_of(path)
    assert (layer.num_frames, layer.size) == (5, (48, 64))
    pictures = layer.over(torch.zeros(3, 3, 48, 64, dtype=torch.uint8), [0.0, 0.5, 1.0])
    columns = [picture.any(dim=0).any(dim=0).nonzero().float().mean().item() for picture in pictures]
    assert columns == pytest.approx([10, 30, 50], abs=1)
