"""Boxes to tubes, and their figures on cases that can be counted by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from vidcore.errors import ConfigError, DataError
from vidcore.plugins import build
from vidcore.testing import check_plugin
from vidcore.values import Prediction, SampleRef
from vidcore_tubes import plugin
from vidcore_tubes.linking import link, suppress
from vidcore_tubes.linking_config import Linking
from vidcore_tubes.metric_config import TubeMap
from vidcore_tubes.tubes import Tube, temporal_iou, tube_iou

BOX = (0.1, 0.1, 0.5, 0.5)  # shares
FAR = (0.6, 0.6, 0.9, 0.9)
LENGTH = 20


def test_plugin_keeps_its_promises() -> None:
    check_plugin(plugin)


def row(x: float, score: float) -> list[float]:
    return [x, 0.0, x + 10, 10.0, score]


def test_of_equal_boxes_the_worse_one_loses_its_score_once() -> None:
    rows = np.array([row(0, 0.9), row(0.5, 0.8), row(1.0, 0.7), row(50, 0.1)])
    kept = suppress(rows, 0.6, 10)
    assert kept[:, 0].tolist() == [0, 1.0, 50, 0.5]
    assert kept[1, 4] == pytest.approx(0.7 * (1 - 10 / 12)) and len(suppress(rows, 0.6, 2)) == 2


def test_a_gap_ends_a_tube_unless_patience_is_longer() -> None:
    detections = {frame: np.array([row(frame, 0.5)]) for frame in range(20) if frame != 9}
    parts = link("v", detections, range(20), Linking(shortest=5))
    assert [tube.span for tube in parts] == [(0, 8), (10, 19)]
    (whole,) = link("v", detections, range(20), Linking(shortest=5, patience=2))
    assert whole.span == (0, 19) and whole.boxes[9].tolist() == [9, 0, 19, 10]  # between its neighbours


def test_frames_that_were_not_looked_at_are_no_gap_where_they_are_left_out_evenly() -> None:
    detections = {frame: np.array([row(0, 0.5)]) for frame in (0, 4, 8, 12, 40, 44)}
    tubes = link("v", detections, [0, 4, 8, 12, 40, 44], Linking(shortest=5))
    assert [tube.span for tube in tubes] == [(0, 12), (40, 44)]


def test_the_surest_tube_takes_its_box_first() -> None:
    detections = {0: np.array([row(0, 0.4), row(4, 0.9)]), 1: np.array([row(2, 0.8)])}
    tubes = link("v", detections, [0, 1], Linking(shortest=1, link_iou=0.3))
    assert sorted((tube.span, round(tube.score, 2)) for tube in tubes) == [((0, 0), 0.4), ((0, 1), 0.85)]


def test_tubes_apart_in_time_or_space_share_nothing() -> None:
    boxes = np.tile([0.0, 0, 10, 10], (5, 1))
    first = Tube("v", np.arange(5), boxes)
    assert tube_iou(first, first) == 1.0
    assert tube_iou(first, Tube("v", np.arange(5, 10), boxes)) == 0.0
    assert tube_iou(first, Tube("v", np.arange(5), boxes + 20)) == 0.0
    assert tube_iou(first, Tube("v", np.arange(2, 7), boxes)) == pytest.approx(2 / 6)
    assert temporal_iou((3, 3), (3, 3)) == 1.0


def measured(said: dict[str, Any], truth: dict[str, Any], config: TubeMap | None = None) -> dict[str, float]:
    """`said`: video -> class and score of the box; `truth`: video -> class. The box is the annotated one."""
    metric = build(config or TubeMap(), ["run", "jump"])
    for index, (video, frame) in enumerate((video, frame) for video in truth for frame in range(LENGTH)):
        label, score = said[video]
        scores = torch.zeros(1, 2)
        scores[0, label] = score
        meta = {"video": video, "key_frame": frame, "size": (100, 200)}
        outputs = {"boxes": torch.tensor([BOX]), "scores": scores}
        target = {
            "boxes": torch.tensor([BOX, FAR]),
            "labels": torch.nn.functional.one_hot(torch.tensor([truth[video]] * 2), 2),
            "persons": torch.tensor([0, 1]),
        }
        metric.update(Prediction(ref=SampleRef("", 0, index), outputs=outputs, meta=meta), target)
    figures: dict[str, float] = metric.compute()
    return figures


def test_one_of_two_persons_found_everywhere_is_one_half() -> None:
    figures = measured({"a": (0, 0.9), "b": (1, 0.8)}, {"a": 0, "b": 1})
    assert figures["frame_map"] == pytest.approx(0.5) and figures["video_map@0.5"] == pytest.approx(0.5)
    assert figures["video_map@0.50:0.95"] == pytest.approx(0.5)


def test_a_tube_of_another_class_is_wrong() -> None:
    figures = measured({"a": (0, 0.9), "b": (0, 0.95)}, {"a": 0, "b": 1})
    assert figures["frame_map"] == pytest.approx(0.25 / 2)  # run: found behind as many wrong ones; jump: nothing
    assert figures["video_map@0.2"] == pytest.approx(0.25 / 2)
    alone = measured({"a": (0, 0.9), "b": (0, 0.95)}, {"a": 0, "b": 1}, TubeMap(leave_out=("jump",)))
    assert alone["video_map@0.2"] == pytest.approx(0.25)


def test_what_cannot_be_measured_is_told() -> None:
    with pytest.raises(ConfigError, match="leave_out names 'jumps'; did you mean 'jump'"):
        build(TubeMap(leave_out=("jumps",)), ["run", "jump"])
    metric = build(TubeMap(), ["run", "jump"])
    outputs = {"boxes": torch.tensor([BOX]), "scores": torch.ones(1, 2)}
    with pytest.raises(DataError, match="is not of boxes in a key frame"):
        metric.update(Prediction(ref=SampleRef("", 0, 0), outputs=outputs), {})
    meta = {"video": "a", "key_frame": 3, "size": (100, 200)}
    target = {"boxes": torch.tensor([BOX]), "labels": torch.ones(1, 2), "persons": torch.tensor([-1])}
    with pytest.raises(DataError, match="in frame 3 of a it is not known who is in the annotated boxes"):
        metric.update(Prediction(ref=SampleRef("", 0, 0), outputs=outputs, meta=meta), target)


def test_nobody_found_anywhere_is_zero() -> None:
    metric = build(TubeMap(), ["run", "jump"])
    target = {"boxes": torch.tensor([BOX]), "labels": torch.tensor([[1, 0]]), "persons": torch.tensor([0])}
    meta = {"video": "a", "key_frame": 3, "size": (100, 200)}
    nothing = {"boxes": torch.zeros(0, 4), "scores": torch.zeros(0, 2)}
    metric.update(Prediction(ref=SampleRef("", 0, 0), outputs=nothing, meta=meta), target)
    assert set(metric.compute().values()) == {0.0}


def test_without_any_frame_there_is_no_figure() -> None:
    figures: dict[str, float] = build(TubeMap(), ["a", "b"]).compute()
    assert figures and all(math.isnan(value) for value in figures.values())
