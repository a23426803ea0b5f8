from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from vidcore.errors import ConfigError, DataError
from vidcore.testing import check_metric
from vidcore.values import Prediction, SampleRef
from vidcore_localization.metrics import config as configs
from vidcore_localization.metrics.detection import DetectionMap
from vidcore_localization.metrics.frames import FrameLabels, edit_score, runs, score_frames, segmental_f1
from vidcore_localization.metrics.recall import ProposalRecall

CLASSES = ["none", "cut", "mix"]
# arXiv:1611.05267: accuracy, edit, F1@10, F1@25, F1@50 in per cent
PUBLISHED = {
    "EDTCN": (64.7, 59.8, 68.0, 63.9, 52.6),
    "DilatedTCN": (59.3, 43.1, 52.2, 47.6, 37.4),
    "tCNN": (59.5, 46.0, 55.9, 49.6, 37.1),
}


def video(index: int, segments: list[list[float]], labels: list[int], scores: list[float]) -> Prediction:
    outputs = {"segments": torch.tensor(segments), "labels": torch.tensor(labels), "scores": torch.tensor(scores)}
    return Prediction(ref=SampleRef("", 0, index), outputs=outputs)


PAIRS = [
    (
        video(0, [[0.0, 4.0], [5.0, 9.0]], [1, 2], [0.9, 0.4]),
        {"segments": torch.tensor([[0.0, 4.0]]), "labels": torch.tensor([1])},
    ),
    (
        video(1, [[1.0, 2.0], [4.0, 8.0]], [2, 1], [0.7, 0.6]),
        {"segments": torch.tensor([[1.0, 2.0], [4.0, 7.9]]), "labels": torch.tensor([2, 2])},
    ),
]


@pytest.mark.parametrize("config", [configs.ProposalRecall(), configs.DetectionMap()], ids=["recall", "map"])
def test_metric_of_segments_keeps_the_contract(config: object) -> None:
    check_metric(config, CLASSES, PAIRS)


def test_metric_of_frames_keeps_the_contract() -> None:
    frames = [(torch.tensor([0, 1, 1, 2]), torch.tensor([0, 1, 1, 2])), (torch.tensor([1, 1]), torch.tensor([2, 1]))]
    pairs = [
        (Prediction(ref=SampleRef("", 0, i), outputs={"frames": ours}), {"frames": truth})
        for i, (ours, truth) in enumerate(frames)
    ]
    check_metric(configs.FrameLabels(background=("none",)), CLASSES, pairs)


def test_proposals_that_are_the_truth_are_found() -> None:
    metric = ProposalRecall(configs.ProposalRecall(at=(1, 2), max_average=2), CLASSES)
    for prediction, target in PAIRS:
        metric.update(prediction, target)
    assert metric.compute() == {"AUC": pytest.approx(0.338, abs=0.001), "AR@1": pytest.approx(2 / 3), "AR@2": 1.0}


def test_a_segment_of_the_wrong_class_is_no_detection() -> None:
    metric = DetectionMap(configs.DetectionMap(iou=(0.5,)), CLASSES)
    for prediction, target in PAIRS:
        metric.update(prediction, target)
    assert metric.compute() == {"mAP": 0.75, "mAP@0.5": 0.75}


def test_proposals_without_classes_have_no_map() -> None:
    prediction = Prediction(ref=SampleRef("", 0, 0), outputs={"segments": torch.zeros(1, 2), "scores": torch.ones(1)})
    with pytest.raises(DataError, match="give .task.classifier."):
        DetectionMap(configs.DetectionMap(), CLASSES).update(prediction, PAIRS[0][1])


def test_order_of_labels_counts_for_the_edit_score_and_place_for_f1() -> None:
    truth, late = runs(np.array([0, 1, 1, 2, 2, 0])), runs(np.array([0, 0, 0, 1, 2, 0]))
    assert edit_score(late, truth) == 1.0
    assert segmental_f1(late, truth, 0.5) == 0.5  # of two runs of each: 2 and the last 0; 1 is missed
    assert edit_score(runs(np.array([2, 1])), runs(np.array([1, 2]))) == 0.0


def test_labels_of_another_length_are_refused() -> None:
    with pytest.raises(DataError, match="3 predicted labels for 4 frames"):
        score_frames(np.zeros(3), np.zeros(4), (0.5,))


def test_unknown_background_is_told() -> None:
    with pytest.raises(ConfigError, match="'mixx', which is no class of the data; did you mean 'mix'"):
        FrameLabels(configs.FrameLabels(background=("mixx",)), CLASSES)


@pytest.mark.parametrize("method", PUBLISHED)
def test_published_segmentations_get_their_published_figures(method: str, shared_data: Path) -> None:
    folds = []
    for path in sorted((shared_data / "real/salads50_scores/reference").glob("fold*.npz")):
        metric = FrameLabels(configs.FrameLabels(background=("0",)), [str(label) for label in range(18)])
        with np.load(path) as arrays:
            videos = sorted({name.rpartition("/")[0] for name in arrays.files if f"/{method}/" in name})
            for index, name in enumerate(videos):
                ours = Prediction(ref=SampleRef("", 0, index), outputs={"frames": arrays[f"{name}/pred"]})
                metric.update(ours, {"frames": arrays[f"{name}/true"]})
        folds.append(list(metric.compute().values()))
    assert len(folds) == 5
    assert [f"{100 * value:.1f}" for value in np.mean(folds, axis=0)] == [f"{value:.1f}" for value in PUBLISHED[method]]
