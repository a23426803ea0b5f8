"""Real videos annotated in AVA's format: a bird on its nest, eight behaviours, five clips."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch

from vidcore.config import Data
from vidcore.data.building import build_dataset
from vidcore.data.transform_config import CenterCrop, Resize
from vidcore.data.video.config import PyAVConfig
from vidcore.randomness import Purpose, generator
from vidcore.testing import check_dataset
from vidcore.values import Prediction, SampleRef
from vidcore_ava.config import Ava
from vidcore_detection.datasets import KeyFrameDataset
from vidcore_detection.frame_map import FrameMap
from vidcore_detection.metric_config import FrameMap as FrameMapOptions
from vidcore_detection.sampling_config import KeyFrame

SPLITS = {"train": 88, "val": 22}  # key frames


def nest(shared_data: Path, split: str, **options: Any) -> KeyFrameDataset:
    table: dict[str, Any] = {
        "annotations": f"annotations/ava_{split}_v2.2.csv",
        "exclude": f"annotations/ava_{split}_excluded_timestamps_v2.2.csv",
        "label_map": "annotations/ava_action_list_v2.2.pbtxt",
        "proposals": f"annotations/ava_dense_proposals_{split}.FAIR.recall_93.9.pkl",
        "keyframes": "keyframes.csv",
        "folder": "videos",
        "sampling": KeyFrame(num_frames=4, frame_interval=4),
    }
    config = Ava(**(table | options))
    data = Data(root=str(shared_data / "real" / "nest_ava"), decoder=PyAVConfig(index_cache=False), **{split: config})
    dataset = build_dataset(data, split)
    assert isinstance(dataset, KeyFrameDataset)
    return dataset


@pytest.mark.parametrize("split", SPLITS)
def test_real_annotations_are_read_whole(shared_data: Path, split: str) -> None:
    dataset = nest(shared_data, split)
    assert len(dataset) == SPLITS[split]
    assert dataset.classes[0] == "Incubation" and len(dataset.classes) == 8
    findings = [(finding.level, finding.where.rpartition(":")[2]) for finding in dataset.check()]
    cut_off = [("warning", "149"), ("warning", "150")] if split == "train" else []  # a box from -0.002 on
    assert findings[:-1] == cut_off  # the last one says that five behaviours never occur
    check_dataset(dataset, indices=(0, 3))


def test_a_key_frame_is_the_frame_that_was_annotated(shared_data: Path) -> None:
    dataset = nest(shared_data, "val")
    frames = [
        dataset.sample(SampleRef("", 0, index), generator(0, Purpose.SAMPLE))[0].meta["key_frame"] for index in range(4)
    ]
    assert frames == [0, 1, 26, 56]


def test_boxes_follow_the_clip(shared_data: Path) -> None:
    transforms = {"resize": Resize(short_side=90), "crop": CenterCrop(size=80)}
    plain, cut = (nest(shared_data, "val", transforms=used) for used in ({}, transforms))
    first, second = (
        dataset.sample(SampleRef("", 0, 5), generator(0, Purpose.SAMPLE))[0].target for dataset in (plain, cut)
    )
    assert torch.equal(first["boxes"], second["boxes"])  # shares of the frame stay what they are
    x1, y1, x2, y2 = first["regions"][0].tolist()  # of frames of 336 x 180
    expected = [max(x1 / 2 - 44, 0), max(y1 / 2 - 5, 0), min(x2 / 2 - 44, 80), min(y2 / 2 - 5, 80)]
    assert second["regions"][0].tolist() == pytest.approx(expected, abs=1e-3)


def test_incubation_everywhere_is_right_for_one_of_three_classes(
    shared_data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="vidcore.ava"):
        dataset = nest(shared_data, "val")
    assert "has no box for 11 of 22 key frames, such as IMG_0177 at second 1" in caplog.text
    metric = FrameMap(FrameMapOptions(per_class=True), dataset.classes)
    for index in range(len(dataset)):
        (sample,) = dataset.sample(SampleRef("", 0, index), generator(0, Purpose.SAMPLE))
        boxes = sample.target["proposals"]
        scores = torch.zeros(len(boxes), 8)
        scores[:, 0] = 1.0
        metric.update(Prediction(ref=sample.ref, outputs={"boxes": boxes, "scores": scores}), sample.target)
    figures = metric.compute()
    assert figures["frame_ap/Incubation"] == 1.0
    assert figures["frame_map"] == pytest.approx(1 / 3)
