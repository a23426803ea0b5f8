"""Arithmetic of segments; figures of the reference are checked in tests/reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vidcore_localization.config import Suppression
from vidcore_localization.losses.boundaries import balanced_logistic, balanced_weights
from vidcore_localization.segments import best_segments, bins, boundary_targets, coverage, iou, peaks


def test_overlap_of_segments_that_touch_is_nothing() -> None:
    first, second = np.array([0.0, 2.0]), np.array([[2.0, 3.0], [1.0, 3.0], [0.0, 2.0]])
    assert iou(first, second).tolist() == [0.0, pytest.approx(1 / 3), 1.0]
    assert coverage(first, second).tolist() == [0.0, 0.5, 1.0]


def test_suppression_lowers_near_duplicates_and_leaves_others() -> None:
    segments = np.array([[0.0, 0.2], [0.0, 0.21], [0.6, 0.8]])
    kept, scores = best_segments(segments, np.array([0.9, 0.8, 0.5]), Suppression(), seconds=10.0)
    assert kept.tolist() == [[0.0, 2.0], [6.0, 8.0], [0.0, 2.1]]
    assert scores[:2].tolist() == [0.9, 0.5]
    assert scores[2] < 0.2


def test_segments_end_with_the_video_and_are_counted() -> None:
    segments = np.array([[-0.1, 0.5], [0.5, 1.2]])
    kept, scores = best_segments(segments, np.array([0.1, 0.2]), Suppression(top_k=1), seconds=4.0)
    assert kept.tolist() == [[2.0, 4.0]]
    assert scores.tolist() == [0.2]


def test_a_boundary_marks_the_bins_that_it_lies_in() -> None:
    targets = boundary_targets(np.array([0.5]), np.array([0.2]), bins(10))
    assert np.flatnonzero(targets > 0.99).tolist() == [4, 5]
    assert not boundary_targets(np.zeros(0), np.zeros(0), bins(10)).any()


def test_peaks_are_high_or_higher_than_both_neighbours() -> None:
    assert peaks(np.array([0.0, 0.2, 0.1, 0.9, 0.6, 0.0]), 0.5).tolist() == [False, True, False, True, True, False]


def test_balance_takes_all_of_a_kind_that_is_rare_but_only_that_kind() -> None:
    target, valid = torch.tensor([0.9, 0.9, 0.5, 0.1, 0.1, 0.0]), torch.tensor([1.0, 1, 1, 1, 1, 0])
    drawn = torch.full((6,), 0.5)
    weights = balanced_weights(target, valid, (drawn, drawn), high=0.7, low=0.3, lowest=0.0)
    assert weights.tolist() == [1, 1, 1, 1, 1, 0]
    published = balanced_weights(target, valid, (drawn, drawn), high=0.7, low=0.3, lowest=0.0, as_published=True)
    assert published.tolist() == [2, 2, 1, 2, 2, 1]  # the last one is no candidate


def test_loss_of_curves_without_a_positive_is_finite() -> None:
    loss = balanced_logistic(torch.full((8,), 0.3, requires_grad=True), torch.zeros(8))
    assert torch.isfinite(loss)
