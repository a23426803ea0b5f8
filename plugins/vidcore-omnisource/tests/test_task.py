from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from attrs import evolve

from vidcore.errors import DataError
from vidcore.plugins import build
from vidcore.values import Sample, SampleRef
from vidcore_omnisource.config import ImagesAndVideosRecognition, OmniResNet
from vidcore_recognition.config import Mix
from vidcore_recognition.losses.config import CrossEntropy

CLASSES = ["a", "b", "c", "d"]


def video(index: int, label: int) -> Sample:
    pixels = torch.full((1, 3, 4, 32, 32), 20 * index, dtype=torch.uint8)
    return Sample(ref=SampleRef("", 0, index), inputs={"video": pixels}, target={"label": label}, meta={"path": "v"})


def image(index: int, label: int) -> Sample:
    pixels = torch.full((1, 3, 32, 32), 20 * index, dtype=torch.uint8)
    target, meta = {"image_label": label}, {"path": f"{index}.jpg"}
    return Sample(ref=SampleRef("", 0, index), inputs={"image": pixels}, target=target, meta=meta)


MIXED = [image(1, 2), video(2, 3), image(3, 0), video(4, 1), image(5, 1)]


def task(**options: Any) -> Any:
    return build(ImagesAndVideosRecognition(**options), CLASSES)


def prepared(task: Any, samples: list[Sample], training: bool = True) -> Any:
    return task.prepare(task.collate(samples), np.random.default_rng(0), training)


def test_a_batch_has_videos_first_and_each_kind_its_targets() -> None:
    batch = prepared(task(mean=(20.0, 20.0, 20.0), std=(20.0, 20.0, 20.0)), MIXED)
    assert [ref.index for ref in batch.refs] == [2, 4, 1, 3, 5]
    assert batch.inputs["video"][:, 0, 0, 0, 0].tolist() == [1.0, 3.0]
    assert batch.inputs["image"][:, 0, 0, 0].tolist() == [0.0, 2.0, 4.0]
    assert (batch.target["label"].tolist(), batch.target["image_label"].tolist()) == ([3, 1], [2, 0, 1])


def test_the_loss_is_the_weighted_sum_of_both() -> None:
    weighted = task(video_weight=2.0, image_weight=0.5, image_loss=CrossEntropy(label_smoothing=0.1))
    model = build(OmniResNet.example()).eval()
    batch = prepared(weighted, MIXED)
    outputs = weighted.forward(model, batch)
    loss = weighted.loss(outputs, batch)
    videos = F.cross_entropy(outputs["video"], torch.tensor([3, 1]))
    images = F.cross_entropy(outputs["image"], torch.tensor([2, 0, 1]), label_smoothing=0.1)
    torch.testing.assert_close(loss.total, 2 * videos + 0.5 * images)
    torch.testing.assert_close(loss.parts["image_loss"], images)
    assert set(loss.parts) == {"loss", "video_loss", "video_top1", "image_loss", "image_top1"}
    assert loss.parts["image_top1"] == (outputs["image"].argmax(1) == torch.tensor([2, 0, 1])).float().mean()


@pytest.mark.parametrize("kind", ["video", "image"])
def test_a_batch_that_has_lost_one_kind_goes_on_with_the_same_figures(kind: str) -> None:
    plain, model = task(), build(OmniResNet.example()).train()
    (left, *_) = [evolve(sample, meta={"kind": kind}) for sample in MIXED if kind in sample.inputs]
    batch = prepared(plain, [left])
    loss = plain.loss(plain.forward(model, batch), batch)
    assert loss.total.isfinite() and loss.total > 0
    assert set(loss.parts) == {"loss", "video_loss", "video_top1", "image_loss", "image_top1"}
    assert {name for name, value in loss.parts.items() if "_loss" in name and value > 0} == {f"{kind}_loss"}


def test_videos_alone_are_recognition() -> None:
    plain, model = task(), build(OmniResNet.example()).eval()
    samples = [
        evolve(video(i, i), inputs={"video": torch.randint(0, 255, (2, 3, 4, 32, 32), dtype=torch.uint8)})
        for i in (0, 1)
    ]
    batch = prepared(plain, samples, training=False)
    outputs = plain.forward(model, batch)
    first, _ = plain.predict(outputs, batch)
    torch.testing.assert_close(first.outputs["scores"], outputs[:2].softmax(dim=1).mean(dim=0).detach())
    assert set(plain.loss(outputs, batch).parts) == {"loss", "top1"}
    assert list(plain.targets(batch)) == [{"label": 0}, {"label": 1}]


def test_an_image_outside_the_classes_is_named() -> None:
    plain, model = task(), build(OmniResNet.example()).eval()
    batch = prepared(plain, [*MIXED, image(7, 3)])
    text = "image 7.jpg has label 3; the classes of images are 0 ... 2: mend its label, or set model.image_classes"
    with pytest.raises(DataError, match=re.escape(text)):
        plain.loss(plain.forward(model, batch), batch)


def test_mixing_blends_videos_with_videos() -> None:
    mixing = task(mix=Mix(mixup=1.0))
    batch = prepared(mixing, MIXED)
    assert set(batch.target) == {"labels", "image_label"}
    assert batch.target["labels"].shape == (2, 4)
    torch.testing.assert_close(batch.inputs["image"], prepared(task(), MIXED).inputs["image"])
    outputs = mixing.forward(build(OmniResNet.example()).eval(), batch)
    assert mixing.loss(outputs, batch).total.isfinite()


def test_videos_may_have_several_labels() -> None:
    several = task(multi_label=True)
    samples = [
        evolve(sample, target={"labels": torch.eye(4)[1]}) if "video" in sample.inputs else sample for sample in MIXED
    ]
    batch = prepared(several, samples)
    loss = several.loss(several.forward(build(OmniResNet.example()).eval(), batch), batch)
    assert set(loss.parts) == {"loss", "video_loss", "image_loss", "image_top1"}
