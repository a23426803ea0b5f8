from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from vidcore.errors import DataError, PluginError
from vidcore_opencv.camera import camera_motion, without_camera
from vidcore_opencv.flow import dis, farneback, to_pictures, tvl1

Estimate = Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.float32]]
each = pytest.mark.parametrize("estimate", [farneback, dis, tvl1])


def texture(shift_x: int, shift_y: int) -> NDArray[np.uint8]:
    """Soft blobs, RGB `[64, 80, 3]`, moved by whole pixels."""
    noise = np.random.default_rng(0).uniform(0, 255, (104, 120, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    stretched = (soft - soft.min()) * (255 / (soft.max() - soft.min()))
    return stretched[20 - shift_y : 84 - shift_y, 20 - shift_x : 100 - shift_x].astype(np.uint8)


@each
def test_flow_is_where_things_went_x_first(estimate: Estimate) -> None:
    flow = estimate(texture(0, 0), texture(3, -2))
    assert (flow.shape, flow.dtype) == ((64, 80, 2), np.float32)
    middle = np.median(flow[12:-12, 12:-12], axis=(0, 1))
    np.testing.assert_allclose(middle, (3, -2), atol=0.25)


@each
def test_nothing_moves_between_a_frame_and_itself(estimate: Estimate) -> None:
    assert np.abs(estimate(texture(0, 0), texture(0, 0))).max() < 0.1


@each
def test_grey_frames_are_taken_as_they_are(estimate: Estimate) -> None:
    first, second = (cv2.cvtColor(texture(shift, 0), cv2.COLOR_RGB2GRAY) for shift in (0, 2))
    np.testing.assert_array_equal(estimate(first, second), estimate(texture(0, 0), texture(2, 0)))


@each
def test_frames_of_two_sizes_are_refused(estimate: Estimate) -> None:
    with pytest.raises(DataError, match="one size, got 80x64 and 80x60"):
        estimate(texture(0, 0), texture(0, 0)[:60])


@each
def test_floats_are_refused(estimate: Estimate) -> None:
    with pytest.raises(DataError, match=r"the following frame must be uint8 .* got float32 \[64, 80, 3\]"):
        estimate(texture(0, 0), texture(0, 0).astype(np.float32))  # type: ignore[arg-type]


def test_opencv_without_contributed_modules_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cv2, "optflow")
    with pytest.raises(PluginError, match="has no TV-L1.*opencv-contrib-python-headless"):
        tvl1(texture(0, 0), texture(1, 0))


def test_pictures_hold_flow_within_its_bound() -> None:
    flow = np.array([[[-30, -20], [0, 0.3], [20, 30]]], np.float32)
    x, y = to_pictures(flow)
    assert (x.tolist(), y.tolist()) == ([[0, 128, 255]], [[0, 129, 255]])
    moved = np.stack([x, y], axis=-1) * (40 / 255) - 20
    np.testing.assert_allclose(moved, np.clip(flow, -20, 20), atol=20 / 255 + 1e-5)


def test_frames_too_small_for_patches_are_refused() -> None:
    with pytest.raises(DataError, match="at least 16x16 pixels, got 80x12"):
        dis(texture(0, 0)[:12], texture(0, 0)[:12])


def panned_and_zoomed(height: int = 96, width: int = 128) -> NDArray[np.float32]:
    """What a camera does: a pan of (5, -2) pixels, and a zoom."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return np.stack([5 + 0.05 * (x - width / 2), -2 + 0.05 * (y - height / 2)], axis=-1)


def test_what_people_do_is_left_when_the_camera_is_taken_out() -> None:
    flow = panned_and_zoomed()
    flow[20:70, 30:80] += (-6, 4)  # a fifth of the picture
    left = without_camera(flow)
    np.testing.assert_allclose(left[20:70, 30:80].reshape(-1, 2), np.tile([-6, 4], (2500, 1)), atol=0.05)
    left[20:70, 30:80] = 0
    assert np.abs(left).max() < 0.05


def test_the_cameras_motion_is_found_to_the_corners() -> None:
    np.testing.assert_allclose(camera_motion(panned_and_zoomed()), panned_and_zoomed(), atol=1e-3)


def test_flow_too_small_for_a_camera_is_refused() -> None:
    with pytest.raises(DataError, match=r"at least 24 pixels a side, got \[20, 90, 2\]"):
        camera_motion(np.zeros((20, 90, 2), np.float32))
