"""Arithmetic around the models."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from vidcore.errors import WeightsError
from vidcore_poses.config import Detector, known_models, read_models
from vidcore_poses.detection import PersonDetector, fitted, without_overlaps
from vidcore_poses.onnx_files import OnnxRunner
from vidcore_poses.top_down import cut_out, enlarged, heatmap_places, simcc_places
from vidcore_poses.tracking import Tracker, Tracking


def test_overlapping_boxes_leave_the_most_certain() -> None:
    boxes = np.array([[0, 0, 10, 10, 0.5], [1, 0, 11, 10, 0.9], [20, 0, 30, 10, 0.6]], np.float32)
    assert without_overlaps(boxes, 0.6)[:, 4].tolist() == pytest.approx([0.9, 0.6])
    assert len(without_overlaps(boxes, 0.95)) == 3
    assert without_overlaps(boxes[:0], 0.5).shape == (0, 5)


def test_cells_of_grids_become_boxes() -> None:
    class Cells:
        outputs, where = ("cells",), "made"

        def output(self, name: str, position: int, option: str) -> str:
            return "cells"

        def run(self, pictures: torch.Tensor, outputs: object) -> list[np.ndarray]:  # type: ignore[type-arg]
            rows = np.zeros((1, 64 + 16 + 4, 7), np.float32)
            rows[0, 64 + 5] = [0.5, 0.25, np.log(2), np.log(1), 0.9, 0.1, 0.8]  # stride 16, column 1, row 1; class 1
            return [rows]

    config = Detector(file="made", input_size=(64, 64), output="yolox", person=1)
    (box,) = PersonDetector(Cells(), config).find(torch.zeros(3, 128, 128, dtype=torch.uint8))  # type: ignore[arg-type]
    x, y, width, height = 1.5 * 16, 1.25 * 16, 32, 16  # of the input, which is half as large as the picture
    corners = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    np.testing.assert_allclose(box, [*(2 * corner for corner in corners), 0.72], rtol=1e-5)


def test_picture_is_fitted_at_the_upper_left() -> None:
    picture, factor = fitted(torch.full((3, 20, 40), 200, dtype=torch.uint8), (32, 32), 114)
    assert factor == pytest.approx(0.8)
    assert (picture[:, :16] == 200).all() and (picture[:, 16:] == 114).all()


def test_cut_out_keeps_the_shape_and_is_black_outside() -> None:
    frame = torch.arange(40, dtype=torch.uint8).expand(3, 30, 40)  # a pixel tells its column
    low, size = enlarged(np.array([[10, 5, 20, 25, 1.0]]), (40, 30), padding=1.0)
    np.testing.assert_allclose((low[0], size[0]), ([7.5, 5], [15, 20]))
    picture = cut_out(frame, low, size, (40, 30))
    np.testing.assert_allclose(picture[0, 0, 20], 7.5 + np.arange(30) / 2, atol=1e-3)
    outside = cut_out(frame, np.array([[-10.0, 0.0]]), np.array([[15.0, 20.0]]), (40, 30))
    assert not outside[..., :18].any() and outside[..., 24:].any()


def test_place_of_a_peak() -> None:
    x, y = np.zeros((1, 1, 96)), np.zeros((1, 1, 128))
    x[0, 0, 31], y[0, 0, 7] = 0.5, 0.4
    places, scores = simcc_places(x, y, 2.0)
    assert (places.tolist(), scores.tolist()) == ([[[15.5, 3.5]]], [[0.4]])
    maps = np.zeros((1, 1, 16, 12))
    maps[0, 0, 4, 3], maps[0, 0, 4, 4], maps[0, 0, 3, 3] = 0.8, 0.5, 0.2
    places, scores = heatmap_places(maps, (64, 48))
    assert (places.tolist(), scores.tolist()) == ([[[(3 + 0.25) * 4, (4 - 0.25) * 4]]], [[0.8]])
    maps = np.zeros((1, 1, 16, 12))
    maps[0, 0, 0, 0] = 1  # at the edge: towards the inside
    assert np.isfinite(heatmap_places(maps, (64, 48))[0]).all()


def test_people_who_pass_each_other_keep_their_places() -> None:
    tracker = Tracker(Tracking(patience=2))
    points = np.zeros((1, 3, 3), np.float32)
    for frame in range(10):
        one = np.array([[frame * 3, 0, frame * 3 + 20, 50, 0.9]], np.float32)
        two = np.array([[40 - frame * 3, 60, 60 - frame * 3, 110, 0.8]], np.float32)
        seen = [two, one] if frame % 2 else [one, two]  # the order of a detector says nothing
        if frame in (4, 5):
            seen = seen[:1] if frame == 4 else seen[1:]
        tracker.add(np.concatenate(seen), np.repeat(points, len(seen), axis=0))
    boxes = tracker.result(3)["boxes"]
    assert tracker.people == 2
    assert set(boxes[0, :, 1]) == {0} and set(boxes[1][boxes[1, :, 4] > 0][:, 1]) == {60}


def test_somebody_who_was_away_too_long_is_somebody_new() -> None:
    tracker = Tracker(Tracking(patience=2, persons=5))
    box, points = np.array([[0, 0, 20, 50, 0.9]], np.float32), np.zeros((1, 3, 3), np.float32)
    for there in (True, False, False, True, False, False, False, True):
        tracker.add(box if there else box[:0], points if there else points[:0])
    assert tracker.result(3)["keypoint"].shape == (2, 8, 3, 2)


def test_model_in_an_archive_is_found(tmp_path: Path, models: Callable[..., Path]) -> None:
    described, folder = read_models(str(models(tmp_path / "models")))
    with zipfile.ZipFile(tmp_path / "pose.zip", "w") as archive:
        archive.write(folder / "pose.onnx", "sdk/end2end.onnx")
        archive.writestr("sdk/pipeline.json", "{}")
    from attrs import evolve

    packed = evolve(described.pose, file="pose.zip")
    assert OnnxRunner(packed, tmp_path).outputs == ["simcc_x", "simcc_y"]
    with zipfile.ZipFile(tmp_path / "pose.zip", "w") as archive:
        archive.writestr("readme.txt", "")
    with pytest.raises(WeightsError, match=r"pose\.zip holds 0 \.onnx files"):
        OnnxRunner(packed, tmp_path)


@pytest.mark.parametrize("name", sorted(known_models()))
def test_descriptions_that_come_along_are_right(name: str) -> None:
    described, _ = read_models(name)
    assert described.detector.file.startswith("https://") and described.pose.file.startswith("https://")
