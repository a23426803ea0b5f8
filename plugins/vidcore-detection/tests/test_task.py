"""The task on samples made by hand: boxes through collate, matching, loss, predictions."""

from __future__ import annotations

import itertools
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from attrs import evolve

from vidcore.errors import ConfigError, DataError
from vidcore.plugins import build
from vidcore.values import Prediction, Sample, SampleRef
from vidcore_detection.config import ActionDetection, Focal, Matching
from vidcore_detection.losses import action_loss
from vidcore_detection.matching import training_regions
from vidcore_detection.model_config import RegionDetector
from vidcore_detection.sampling_config import KeyFrame
from vidcore_detection.task import ActionDetectionTask
from vidcore_resnet.config import ResNet2D
from vidcore_visual.painting import Canvas, shared_area

CLASSES = ["stand", "walk", "read"]
RNG = np.random.default_rng(0)


def task(**options: Any) -> ActionDetectionTask:
    built: ActionDetectionTask = build(ActionDetection(**options), CLASSES)
    return built


def sample(index: int, size: tuple[int, int] = (40, 60), boxes: int = 1, **changes: Any) -> Sample:
    video = torch.full((1, 3, 2, *size), 255, dtype=torch.uint8)
    shares = torch.tensor([[0.1, 0.2, 0.5, 0.9], [0.5, 0.1, 1.0, 1.0]])[:boxes]
    pixels = shares * torch.tensor([size[1], size[0]] * 2)
    labels = torch.eye(3)[:boxes]
    target = {"boxes": shares, "labels": labels, "regions": pixels, "region_labels": labels, "proposals": shares}
    values: dict[str, Any] = {"inputs": {"video": video, "boxes": [pixels]}, "target": target}
    return Sample(ref=SampleRef("", 0, index), **(values | changes))


def test_clips_of_different_size_are_padded_below_and_right() -> None:
    batch = task(size_divisor=16).collate([sample(0, (40, 60)), sample(1, (50, 40))])
    video = batch.inputs["video"]
    assert video.shape == (2, 3, 2, 64, 64)
    assert video[0, :, :, :40, :60].min() == 255
    assert video[0, :, :, 40:].max() == 0
    assert video[1, :, :, :, 40:].max() == 0
    assert torch.equal(batch.inputs["boxes"][1], sample(1, (50, 40)).inputs["boxes"][0])


def test_predictions_are_one_a_sample_with_its_own_boxes() -> None:
    own = task()
    batch = own.prepare(own.collate([sample(0, boxes=2), sample(1)]), RNG, training=False)
    first, second = own.predict(torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 0.0], [2.0, 2.0, 2.0]]), batch)
    assert first.outputs["boxes"].shape == (2, 4) and second.outputs["scores"].shape == (1, 3)
    torch.testing.assert_close(second.outputs["scores"], torch.full((1, 3), 2.0).sigmoid())
    assert [len(target["boxes"]) for target in own.targets(batch)] == [2, 1]


def test_a_video_without_boxes_is_its_whole_frame() -> None:
    own = task(multi_label=False)
    video = torch.zeros(1, 3, 2, 40, 60, dtype=torch.uint8)
    batch = own.collate([sample(0, inputs={"video": video}, target={})])
    assert batch.inputs["boxes"][0].tolist() == [[0.0, 0.0, 60.0, 40.0]]
    (prediction,) = own.predict(torch.tensor([[0.0, 0.0, 9.0]]), batch)
    assert prediction.outputs["boxes"].tolist() == [[0.0, 0.0, 1.0, 1.0]]
    assert prediction.outputs["scores"].sum() == pytest.approx(1.0)


def test_training_matches_proposals_and_adds_the_annotated_boxes() -> None:
    own = task()
    batch = own.prepare(own.collate([sample(0, boxes=2)]), RNG, training=True)
    assert batch.inputs["boxes"][0].shape == (4, 4)
    assert batch.target["matched"][0].tolist() == [[1, 0, 0], [0, 1, 0]] * 2
    loss = own.loss(torch.zeros(4, 3, requires_grad=True), batch)
    assert loss.total.item() == pytest.approx(np.log(2), abs=1e-6)
    assert {"recall_sure", "precision_top3"} <= loss.parts.keys()


def test_a_proposal_far_from_every_box_has_no_label_and_no_weight() -> None:
    boxes, labels = torch.tensor([[0.0, 0.0, 10.0, 10.0]]), torch.tensor([[0.0, 1.0, 0.0]])
    proposals = torch.tensor([[0.0, 0.0, 10.0, 9.5], [20.0, 20.0, 30.0, 30.0]])
    regions, targets = training_regions(proposals, boxes, labels, Matching(add_truth=False), RNG)
    assert targets.tolist() == [[0, 1, 0], [0, 0, 0]]
    logits = torch.tensor([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]])
    alone = action_loss(logits[:1], targets[:1], Focal(), multi_label=True)
    torch.testing.assert_close(action_loss(logits, targets, Focal(), multi_label=True), alone)
    assert len(regions) == 2


def test_too_many_regions_are_drawn_those_with_labels_first() -> None:
    boxes, labels = torch.tensor([[0.0, 0.0, 10.0, 10.0]]), torch.tensor([[1.0, 0.0, 0.0]])
    proposals = torch.cat([torch.tensor([[50.0, 50.0, 60.0, 60.0]]).repeat(20, 1), boxes])
    regions, targets = training_regions(proposals, boxes, labels, Matching(regions=3), RNG)
    assert len(regions) == 3
    assert targets.any(dim=1).sum() == 2


def test_a_batch_without_any_label_teaches_nothing_and_is_finite() -> None:
    logits = torch.randn(2, 3, requires_grad=True)
    loss = action_loss(logits, torch.zeros(2, 3), Focal(gamma=1.0), multi_label=True)
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad is not None and not logits.grad.any()


def test_several_views_are_refused() -> None:
    with pytest.raises(DataError, match="has 3 views; boxes belong to one"):
        task().collate([sample(0, inputs={"video": torch.zeros(3, 3, 2, 8, 8, dtype=torch.uint8), "boxes": [1, 2, 3]})])


def test_no_classes_and_wrong_labels_are_told() -> None:
    with pytest.raises(ConfigError, match="needs classes"):
        build(ActionDetection(), [])
    with pytest.raises(DataError, match=r"labels of shape \(1, 5\) for 1 boxes and 3 classes"):
        task().collate([sample(0, target={**sample(0).target, "labels": torch.zeros(1, 5)})])


def test_boxes_and_names_are_drawn_where_they_are() -> None:
    own = task()
    batch = own.collate([sample(0, (96, 128))])
    (prediction,) = own.predict(torch.tensor([[9.0, -9.0, -9.0]]), batch)
    frames = torch.zeros(2, 3, 96, 128, dtype=torch.uint8)
    painted = own.draw([prediction], frames, [0.0, 0.1])
    assert painted.shape == frames.shape and not frames.any()
    assert painted[0, :, 19, 13:63].any()  # the upper edge
    assert not painted[0, :, :, 80:].any()


def test_boxes_of_a_key_frame_are_drawn_halfway_to_the_next_one() -> None:
    own = task()
    batch = own.collate([sample(0, (96, 128))])
    (prediction,) = own.predict(torch.tensor([[9.0, -9.0, -9.0]]), batch)
    keys = [evolve(prediction, meta={"key_frame": frame, "fps": 10.0}) for frame in (10, 20, 30)]
    painted = own.draw(keys, torch.zeros(4, 3, 96, 128, dtype=torch.uint8), [0.4, 0.5, 3.5, 3.6])
    assert [bool(frame.any()) for frame in painted] == [False, True, True, False]


def test_names_of_a_crowd_do_not_cover_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    plates: list[tuple[float, float, float, float]] = []

    def noted(self: Canvas, place: tuple[float, float], text: str, colour: object) -> None:
        width, height = self.plate_size(text)
        plates.append((*place, place[0] + width, place[1] + height))

    monkeypatch.setattr(Canvas, "plate", noted)
    corners = torch.tensor([[x, y, x + 0.25, y + 0.3] for x in (0.1, 0.4, 0.65) for y in (0.1, 0.35, 0.6)])
    crowd = Prediction(
        ref=SampleRef("", 0, 0), outputs={"boxes": corners, "scores": torch.linspace(0.5, 0.9, 27).reshape(9, 3)}
    )
    task().draw([crowd], torch.zeros(1, 3, 240, 320, dtype=torch.uint8), [0.0])
    assert 9 <= len(plates) < 27  # each has its best name; what finds no room is left out
    assert not any(shared_area(one, other) for one, other in itertools.combinations(plates, 2))


def test_nobody_and_doubtful_scores_are_drawn() -> None:
    own, frames = task(), torch.zeros(1, 3, 96, 128, dtype=torch.uint8)
    nobody = Prediction(ref=SampleRef("", 0, 0), outputs={"boxes": torch.zeros(0, 4), "scores": torch.zeros(0, 3)})
    assert not own.draw([nobody], frames, [0.0]).any()
    unsure = evolve(nobody, outputs={"boxes": torch.tensor([[0.1, 0.1, 0.9, 0.9]]), "scores": torch.full((1, 3), 0.1)})
    painted = own.draw([unsure], frames, [0.0])[0]
    assert painted[:, 9, 20].any() and not painted[:, 12:80, 20:110].any()  # an edge, and no name in it


def test_key_frame_sampling_jitters_in_training_only_and_stays_in_the_video() -> None:
    sampling = pickle.loads(pickle.dumps(build(KeyFrame(num_frames=8, frame_interval=16)).at(50)))
    assert sampling.clips(100, 25.0, None).tolist() == [[0, 2, 18, 34, 50, 66, 82, 98]]
    drawn = sampling.clips(100, 25.0, np.random.default_rng(1))[0]
    assert drawn.min() >= 0 and drawn.max() <= 99
    assert np.abs(drawn[2:7] - [18, 34, 50, 66, 82]).max() <= 8 and drawn.tolist() != [0, 2, 18, 34, 50, 66, 82, 98]
    assert build(KeyFrame(num_frames=2, frame_interval=4)).clips(21, 25.0, None).tolist() == [[6, 10]]


def test_a_step_can_be_rehearsed_on_the_meta_device() -> None:
    own, meta = task(), torch.device("meta")
    with meta:
        model = build(RegionDetector(backbone=ResNet2D(depth=10, base_channels=8), context=True, num_classes=3))
    batch = own.prepare(own.collate([sample(0, boxes=2), sample(1)]).to(meta), RNG, training=True)
    assert own.loss(own.forward(model, batch), batch).total.shape == ()
