from __future__ import annotations

import numpy as np
import pytest

from vidcore.data.geometry import Geometry
from vidcore_detection.average_precision import Frame, average_precisions, listed
from vidcore_detection.boxes import box_iou, move_boxes, to_pixels

BOX = np.array([[0.25, 0.5, 0.5, 1.0]], np.float32)


def test_boxes_follow_crop_resize_and_flip() -> None:
    pixels = to_pixels(BOX, (40, 80))
    assert pixels.tolist() == [[20, 20, 40, 40]]
    geometry = Geometry((40, 80)).cropped(10, 0, 40, 40).resized(20, 20).flipped()
    assert move_boxes(pixels, geometry, "area").tolist() == [[5, 10, 15, 20]]


def test_boxes_are_cut_off_at_the_border_and_a_pixel_before_it_in_published_figures() -> None:
    geometry = Geometry((40, 80)).cropped(0, 0, 30, 30)
    assert move_boxes(to_pixels(BOX, (40, 80)), geometry, "area").tolist() == [[20, 20, 30, 30]]
    assert move_boxes(to_pixels(BOX, (40, 80)), geometry, "reference").tolist() == [[20, 20, 29, 29]]


def test_overlap_of_empty_boxes_is_nothing() -> None:
    boxes = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 5, 5]], float)
    np.testing.assert_allclose(box_iou(boxes, boxes), [[1, 1 / 3, 0], [1 / 3, 1, 0], [0, 0, 0]])


def frame(scores: list[float], labels: list[int], truth: list[int]) -> Frame:
    """Everything at the same place."""
    return Frame(
        truth_boxes=np.tile(BOX, (len(truth), 1)),
        truth_labels=np.array(truth, int),
        boxes=np.tile(BOX, (len(scores), 1)),
        labels=np.array(labels, int),
        scores=np.array(scores),
    )


def test_second_detection_of_a_box_is_wrong() -> None:
    assert average_precisions([frame([0.9, 0.8], [0, 0], [0])], 1).tolist() == [1.0]
    assert average_precisions([frame([0.9, 0.8], [0, 0], [0]), frame([0.7], [0], [0])], 1).tolist() == [
        pytest.approx(0.5 + 0.5 * 2 / 3)
    ]


def test_rules_for_classes_and_frames_without_counterpart() -> None:
    frames = [frame([0.9], [0], [0, 1]), frame([0.95], [0], [])]
    assert average_precisions(frames, 3).tolist() == [pytest.approx(0.5), 0.0, pytest.approx(np.nan, nan_ok=True)]
    lenient = average_precisions(frames, 3, undetected="leave-out", unannotated_frames="ignore")
    assert lenient[0] == 1.0 and np.isnan(lenient[1:]).all()


def test_below_zero_each_box_has_its_best_class_alone() -> None:
    boxes, scores = np.tile(BOX, (2, 1)), np.array([[0.1, 0.9, 0.3], [0.8, 0.7, 0.2]])
    assert listed(boxes, scores, -1)[1].tolist() == [0, 1]
    assert listed(boxes, scores, 0.25)[1].tolist() == [0, 1, 1, 2]
