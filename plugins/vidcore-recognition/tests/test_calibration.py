from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from vidcore.engine.evaluation import lower_is_better
from vidcore.plugins import build
from vidcore.testing import check_metric
from vidcore.values import Prediction, SampleRef
from vidcore_recognition.metrics.calibration import reliability
from vidcore_recognition.metrics.config import Calibration, MeanAveragePrecision, PerSampleMap

CLASSES = ("a", "b", "c")
NAN = float("nan")


def measured(config: Any, rows: list[tuple[list[float], dict[str, Any]]]) -> dict[str, float]:
    metric = build(config, CLASSES)
    for i, (scores, target) in enumerate(rows):
        metric.update(Prediction(ref=SampleRef("", 0, i), outputs={"scores": np.array(scores, np.float32)}), target)
    figures: dict[str, float] = metric.compute()
    return figures


def test_calibration_keeps_the_contract_of_metrics() -> None:
    rows = [([0.7, 0.2, 0.1], 0), ([0.1, 0.3, 0.6], 1)]
    samples = [
        (Prediction(ref=SampleRef("", 0, i), outputs={"scores": torch.tensor(scores)}), {"label": label})
        for i, (scores, label) in enumerate(rows)
    ]
    check_metric(Calibration(), CLASSES, samples)


def test_who_is_right_as_often_as_it_says_has_no_error() -> None:
    rows = [([0.75, 0.25, 0.0], {"label": label}) for label in (0, 0, 0, 1)]
    assert measured(Calibration(), rows)["calibration_error"] == pytest.approx(0.0, abs=1e-7)
    boasting = [([1.0, 0.0, 0.0], {"label": label}) for label in (0, 1)]
    assert measured(Calibration(), boasting)["calibration_error"] == pytest.approx(0.5)


def test_the_best_weights_by_any_of_its_figures_are_those_with_the_lowest() -> None:
    sure, unsure = ([([share, 1 - share, 0.0], {"label": 0})] * 2 for share in (0.9, 0.6))
    worse, better = measured(Calibration(), unsure), measured(Calibration(), sure)
    metrics = {"calibration": build(Calibration(), CLASSES)}
    assert all(better[name] < worse[name] and lower_is_better(name, metrics) for name in better)


def test_the_error_is_weighted_by_samples_and_the_largest_one_is_not() -> None:
    rows = [([0.9, 0.1, 0.0], {"label": 0})] * 3 + [([0.4, 0.3, 0.3], {"label": 1})]
    figures = measured(Calibration(bins=10), rows)
    assert figures["calibration_error"] == pytest.approx((3 * 0.1 + 0.4) / 4)
    assert figures["largest_calibration_error"] == pytest.approx(0.4)
    assert figures["negative_log_likelihood"] == pytest.approx(-(3 * math.log(0.9) + math.log(0.3)) / 4)
    assert figures["brier"] == pytest.approx((3 * 0.02 + (0.16 + 0.49 + 0.09)) / 4)


def test_bins_hold_their_upper_bound() -> None:
    curve = reliability(np.array([0.0, 0.2, 0.2001, 1.0]), np.array([True, False, True, True]), 5)
    assert curve.counts.tolist() == [2, 1, 0, 0, 1]
    assert curve.accuracy.tolist()[:2] == [0.5, 1.0]
    assert math.isnan(curve.confidence[2])


def test_nothing_measured_is_not_a_number_and_nan_scores_stay_finite() -> None:
    assert all(math.isnan(value) for value in measured(Calibration(), []).values())
    broken = measured(Calibration(), [([NAN, NAN, NAN], {"label": 2})])
    assert all(math.isfinite(value) for value in broken.values())


def test_average_precision_of_each_class_is_told_on_request() -> None:
    rows = [([0.9, 0.1, 0.2], {"labels": [1.0, 0.0, 0.0]}), ([0.2, 0.3, 0.1], {"labels": [0.0, 0.0, 1.0]})]
    figures = measured(MeanAveragePrecision(per_class=True), rows)
    assert figures["ap/a"] == 1.0 and figures["ap/c"] == 0.5
    assert math.isnan(figures["ap/b"])
    assert figures["map"] == 0.75
    assert measured(MeanAveragePrecision(), rows) == {"map": 0.75}


def test_labels_that_nobody_looked_for_are_no_mistakes() -> None:
    rows = [([0.9, 0.5, 0.1], {"labels": [NAN, 1.0, 0.0]}), ([0.2, 0.3, 0.4], {"labels": [1.0, 0.0, NAN]})]
    assert measured(MeanAveragePrecision(), rows) == {"map": 1.0}
    assert measured(PerSampleMap(), rows) == {"per_sample_map": pytest.approx(0.75)}
