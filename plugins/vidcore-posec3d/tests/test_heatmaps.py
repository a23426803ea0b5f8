"""Heatmaps, and what becomes of key points before them; recorded figures are checked by tests/reference/vectors.py."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vidcore.errors import DataError
from vidcore.values import Batch, SampleRef
from vidcore_posec3d import transform_config as options
from vidcore_posec3d.config import HeatmapRecognition, Heatmaps
from vidcore_posec3d.frames import Compact, MirroredViews, Project, center_crop, resize
from vidcore_posec3d.task import HeatmapTask, make_heatmaps
from vidcore_skeleton.config import SkeletonReader
from vidcore_skeleton.datasets import views_of
from vidcore_skeleton.layouts import Layout
from vidcore_skeleton.skeletons import Skeleton


def pose_of(points: list[tuple[float, float]], scores: list[float] | None = None) -> torch.Tensor:
    """One row, one person, one frame: `[1, 1, 1, V, 2 or 3]`."""
    rows = points if scores is None else [(*point, score) for point, score in zip(points, scores, strict=True)]
    return torch.tensor(rows).view(1, 1, 1, len(points), -1)


def test_a_map_peaks_at_its_joint_as_high_as_the_joint_is_sure() -> None:
    maps = make_heatmaps(pose_of([(5.0, 3.0), (9.0, 7.0)], [0.8, 0.0]), (12, 16), Heatmaps(sigma=1.0))
    assert maps.shape == (1, 2, 1, 12, 16)
    assert divmod(int(maps[0, 0, 0].argmax()), 16) == (3, 5)
    assert maps[0, 0, 0, 3, 5].item() == pytest.approx(0.8)
    assert maps[0, 0, 0, 3, 6].item() == pytest.approx(0.8 * np.exp(-0.5))
    assert not maps[0, 1].any()  # nobody is sure of it


def test_a_limb_is_a_ridge_between_its_joints_after_the_maps_of_joints() -> None:
    config = Heatmaps(sigma=1.0, limbs=((0, 1),))
    maps = make_heatmaps(pose_of([(2.0, 4.0), (10.0, 4.0)], [0.9, 0.6]), (9, 16), config)
    limb = maps[0, 2, 0]
    torch.testing.assert_close(limb[4, 2:11], torch.full((9,), 0.6))  # as high as the less sure end
    torch.testing.assert_close(limb[5, 2:11], torch.full((9,), 0.6 * float(np.exp(-0.5))))


def test_of_several_persons_the_highest_counts_and_missing_ones_leave_no_mark() -> None:
    one = pose_of([(5.0, 3.0)])
    padded = torch.cat([one, torch.zeros_like(one)], dim=1)
    config = Heatmaps()
    torch.testing.assert_close(make_heatmaps(padded, (8, 8), config), make_heatmaps(one, (8, 8), config))
    nearby = torch.cat([one, pose_of([(5.0, 4.0)])], dim=1)
    assert make_heatmaps(nearby, (8, 8), config).max().item() == pytest.approx(1.0)


def test_maps_may_be_smaller_than_the_frame() -> None:
    maps = make_heatmaps(pose_of([(20.0, 12.0)]), (32, 48), Heatmaps(scaling=0.25))
    assert maps.shape[-2:] == (8, 12)
    assert divmod(int(maps[0, 0, 0].argmax()), 12) == (3, 5)


def test_limbs_of_joints_that_are_not_there_are_refused() -> None:
    with pytest.raises(DataError, match=r"limbs name joints \[16\], but the data has 0 \.\.\. 1"):
        make_heatmaps(pose_of([(1.0, 1.0), (2.0, 2.0)]), (8, 8), Heatmaps(limbs=((0, 16),)))
    with pytest.raises(ValueError, match="no map at all"):
        Heatmaps(points=False)


def test_key_points_of_unknown_or_different_frames_are_refused() -> None:
    task = HeatmapTask(HeatmapRecognition(), ["a", "b"])

    def prepared(*sizes: tuple[int, int] | None) -> Batch:
        batch = Batch(
            refs=[SampleRef("", 0, i) for i in range(len(sizes))],
            inputs={"pose": torch.rand(len(sizes), 1, 2, 3, 2) * 8},
            target={},
            meta=[{} if size is None else {"frame_size": size} for size in sizes],
            views=[1] * len(sizes),
        )
        return task.prepare(batch, np.random.default_rng(0), training=False)

    assert prepared((8, 9), (8, 9)).inputs["heatmap"].shape == (2, 3, 2, 8, 9)
    with pytest.raises(DataError, match="here: unknown"):
        prepared(None)
    with pytest.raises(DataError, match="one known size"):
        prepared((8, 9), (8, 10))


def test_key_points_follow_the_frame() -> None:
    joints = np.array([10, 20, 0, 0], np.float32).reshape(1, 1, 2, 2)
    skeleton = Skeleton(joints=joints, image_size=(40, 80))
    scaled = resize(options.Resize(short_side=20)).apply(skeleton, None)
    assert scaled.image_size == (20, 40)
    np.testing.assert_allclose(scaled.joints[0, 0], [[5, 10], [0, 0]])
    cut = center_crop(options.CenterCrop(size=10)).apply(scaled, None)
    np.testing.assert_allclose(cut.joints[0, 0], [[5 - 15, 10 - 5], [0, 0]])  # the second was not found


def test_mirrored_views_swap_sides_and_stand_behind_the_others() -> None:
    layout = Layout(joints=3, left=(1,), right=(2,))
    joints = np.array([[5, 1], [2, 3], [8, 4]], np.float32)[None, None]
    skeleton = Skeleton(joints=joints, scores=np.array([[[0.1, 0.2, 0.3]]], np.float32), image_size=(10, 12))
    doubled = MirroredViews(options.MirroredViews(layout=layout)).apply(skeleton, None)
    np.testing.assert_allclose(doubled.joints[0, 0], joints[0, 0])
    np.testing.assert_allclose(doubled.joints[0, 1], [[7, 1], [4, 4], [10, 3]])
    np.testing.assert_allclose(doubled.scores[0, 1], [0.1, 0.3, 0.2])


def test_skeletons_in_space_fill_a_frame_upright() -> None:
    joints = np.array([[0, 2, 5], [1, -2, 5], [0, 0, 0]], np.float32)[None, None]  # metres, y up; the last is missing
    seen = Project(options.Project(size=41)).apply(Skeleton(joints=joints), None)
    assert seen.image_size == (41, 41)
    np.testing.assert_allclose(seen.joints[0, 0], [[15.5, 0.5], [25.5, 40.5], [0, 0]])


def test_the_frame_is_cut_to_the_persons_of_the_sampled_frames_only() -> None:
    joints = np.tile(np.array([[20, 20], [40, 40]], np.float32), (1, 6, 1, 1))
    joints[0, 5] = 90  # far away, in a frame that is not sampled
    skeleton = Skeleton(joints=joints, image_size=(100, 100))
    compact = Compact(options.Compact(padding=0.0))
    frames = np.array([[0, 1], [2, 3]])
    seen = views_of(skeleton, [compact], lambda count, rate: frames, None, SkeletonReader(persons=1))
    assert seen.frame_size == (20, 20)
    assert seen.joints.shape == (2, 1, 2, 2, 2)
