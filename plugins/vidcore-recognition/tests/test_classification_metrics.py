from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vidcore.errors import DataError, RunError
from vidcore.plugins import build
from vidcore.values import Prediction, SampleRef
from vidcore_recognition.metrics import config as configs
from vidcore_recognition.metrics.accuracy import top_k_accuracy
from vidcore_recognition.metrics.confusion import Confusion, confusion_matrix, normalized
from vidcore_recognition.metrics.fusion import fuse_scores
from vidcore_recognition.metrics.precision import average_precision

CLASSES = ["run", "jump", "swim"]


def predicted(*scores: float, index: int = 0) -> Prediction:
    return Prediction(ref=SampleRef("", 0, index), outputs={"scores": torch.tensor(scores)})


def computed(config: Any, pairs: list[tuple[Prediction, dict[str, Any]]]) -> dict[str, float]:
    metric = build(config, CLASSES)
    for prediction, target in pairs:
        metric.update(prediction, target)
    figures: dict[str, float] = metric.compute()
    return figures


RUN, JUMP, SWIM = predicted(0.8, 0.1, 0.1), predicted(0.1, 0.8, 0.1), predicted(0.1, 0.2, 0.7)


def test_accuracy_counts_the_true_class_among_the_best_k() -> None:
    pairs = [(RUN, {"label": 0}), (JUMP, {"label": 0}), (SWIM, {"label": 1}), (SWIM, {"label": 0})]
    assert computed(configs.Accuracy(top_k=(1, 2)), pairs) == {"top1": 0.25, "top2": 0.75}


def test_k_above_the_number_of_classes_is_always_right() -> None:
    assert computed(configs.Accuracy(), [(SWIM, {"label": 0})]) == {"top1": 0.0, "top5": 1.0}


def test_of_equal_scores_the_lower_class_comes_first_as_with_argmax() -> None:
    scores = np.array([[0.5, 0.5, 0.5]] * 3)
    assert top_k_accuracy(scores, np.array([0, 1, 2]), 1) == pytest.approx(1 / 3)
    assert top_k_accuracy(scores, np.array([0, 1, 2]), 2) == pytest.approx(2 / 3)


def test_nan_scores_are_never_right() -> None:
    scores = np.full((2, 3), np.nan)
    assert top_k_accuracy(scores, np.array([0, 2]), 1) == 0.0


@pytest.mark.parametrize("config", [configs.Accuracy(top_k=(1,)), configs.MeanClassAccuracy(), configs.Confusion()])
def test_model_that_answers_only_nan_is_wrong_in_every_metric(config: Any) -> None:
    nothing = predicted(math.nan, math.nan, math.nan)
    figures = computed(config, [(nothing, {"label": label}) for label in range(3)])
    assert set(figures.values()) == {0.0}


@given(st.lists(st.lists(st.floats(-5, 5), min_size=4, max_size=4), min_size=1, max_size=8), st.integers(1, 4))
def test_top_k_accuracy_equals_a_stable_sort(rows: list[list[float]], k: int) -> None:
    labels = np.arange(len(rows)) % 4
    order = np.argsort(-np.array(rows), axis=1, kind="stable")
    expected = np.mean([label in best for label, best in zip(labels, order[:, :k], strict=True)])
    assert top_k_accuracy(np.array(rows), labels, k) == pytest.approx(expected)


def test_mean_class_accuracy_weighs_classes_alike() -> None:
    pairs = [(RUN, {"label": 0})] * 3 + [(RUN, {"label": 1})]
    assert computed(configs.MeanClassAccuracy(), pairs) == {"mean_class_accuracy": 0.5}


def test_class_that_is_only_predicted_counts_where_asked() -> None:
    pairs = [(RUN, {"label": 0}), (SWIM, {"label": 0}), (JUMP, {"label": 1})]
    assert computed(configs.MeanClassAccuracy(), pairs) == {"mean_class_accuracy": 0.75}
    both = configs.MeanClassAccuracy(over="true-or-predicted")
    assert computed(both, pairs) == {"mean_class_accuracy": 0.5}


def test_mean_average_precision_leaves_out_classes_without_samples() -> None:
    pairs = [(predicted(0.9, 0.2, 0.1), {"labels": [1, 0, 0]}), (predicted(0.1, 0.8, 0.3), {"labels": [0, 1, 0]})]
    assert computed(configs.MeanAveragePrecision(), pairs) == {"map": 1.0}


def test_average_precision_of_each_class_is_told() -> None:
    metric = build(configs.MeanAveragePrecision(), CLASSES)
    metric.update(predicted(0.9, 0.2, 0.1), {"labels": [0, 0, 0]})
    metric.update(predicted(0.1, 0.8, 0.3), {"labels": [1, 1, 0]})
    found = metric.per_class()
    assert (found["run"], found["jump"]) == (0.5, 1.0)
    assert math.isnan(found["swim"])


def test_only_a_label_of_exactly_one_is_positive() -> None:
    figures = computed(configs.PerSampleMap(), [(SWIM, {"labels": [0.0, 1.0, 0.5]})])
    assert figures == {"per_sample_map": 0.5}


def test_equal_scores_have_no_order_among_themselves() -> None:
    assert average_precision(np.array([0.5, 0.5, 0.5, 0.5]), np.array([True, False, False, False])) == 0.25
    assert average_precision(np.array([0.5, 0.5, 0.5, 0.5]), np.array([False, False, False, True])) == 0.25


def test_sample_without_labels_is_skipped_or_makes_the_figure_nan() -> None:
    pairs = [(RUN, {"labels": [1, 0, 0]}), (JUMP, {"labels": [0, 0, 0]})]
    assert computed(configs.PerSampleMap(), pairs) == {"per_sample_map": 1.0}
    assert math.isnan(computed(configs.PerSampleMap(unlabelled="nan"), pairs)["per_sample_map"])


def test_single_label_counts_as_one_of_several() -> None:
    assert computed(configs.PerSampleMap(), [(RUN, {"label": 0})]) == {"per_sample_map": 1.0}


def test_confusion_has_true_classes_as_rows() -> None:
    metric: Confusion = build(configs.Confusion(per_class=True), CLASSES)
    for prediction, label in ((RUN, 0), (JUMP, 0), (JUMP, 1)):
        metric.update(prediction, {"label": label})
    assert metric.matrix().tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    figures = metric.compute()
    assert (figures["worst_class_accuracy"], figures["accuracy/run"], figures["accuracy/jump"]) == (0.5, 0.5, 1.0)
    assert math.isnan(figures["accuracy/swim"])


def test_confusion_without_class_count_keeps_only_occurring_classes() -> None:
    assert confusion_matrix([5, 5, 0], [0, 5, 9]).tolist() == [[0, 1, 0], [0, 1, 0], [1, 0, 0]]


def test_empty_rows_normalise_to_zero() -> None:
    assert normalized(np.array([[1, 3], [0, 0]]), "true").tolist() == [[0.25, 0.75], [0.0, 0.0]]


def test_class_outside_the_matrix_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0 \.\.\. 1; found \[0, 2\]"):
        confusion_matrix([0, 2], [0, 0], num_classes=2)


ALL = [
    configs.Accuracy(),
    configs.MeanClassAccuracy(),
    configs.MeanAveragePrecision(),
    configs.PerSampleMap(),
    configs.Confusion(),
]


@pytest.mark.parametrize("config", ALL, ids=lambda config: type(config).__name__)
def test_metric_without_samples_is_nan_and_warns_of_nothing(config: Any) -> None:
    figures = computed(config, [])
    assert all(math.isnan(value) or name == "top5" for name, value in figures.items())


@pytest.mark.parametrize("config", ALL, ids=lambda config: type(config).__name__)
def test_views_that_were_not_merged_are_refused(config: Any) -> None:
    views = Prediction(ref=SampleRef("", 0, 7), outputs={"scores": torch.ones(4, 3)})
    with pytest.raises(RunError, match=r"sample 7 has one row of scores for each of 4 views.*merge"):
        computed(config, [(views, {"label": 0})])


@pytest.mark.parametrize("config", ALL, ids=lambda config: type(config).__name__)
def test_label_outside_the_classes_names_sample_and_label(config: Any) -> None:
    with pytest.raises(DataError, match=r"sample 4 has label 3; classes are 0 \.\.\. 2"):
        computed(config, [(predicted(1, 0, 0, index=4), {"label": 3})])


def test_accuracy_of_samples_with_several_labels_points_to_the_right_metric() -> None:
    with pytest.raises(DataError, match="mean-average-precision"):
        computed(configs.Accuracy(), [(RUN, {"labels": [1, 0, 1]})])


def test_streams_are_fused_with_their_coefficients_as_they_are() -> None:
    fused = fuse_scores([np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])], [2.0, 0.5])
    assert fused.tolist() == [[2.0, 0.5]]


def test_fusing_scores_of_different_samples_is_refused() -> None:
    with pytest.raises(Exception, match=r"streams differ in shape: \[\(1, 2\), \(2, 2\)\]"):
        fuse_scores([np.zeros((1, 2)), np.zeros((2, 2))], [1.0, 1.0])
