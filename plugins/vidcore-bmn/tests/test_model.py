from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vidcore.errors import WeightsError
from vidcore_bmn.config import Bmn, BoundaryMatching
from vidcore_bmn.method import MapTargets, candidate_mask, map_loss, map_targets, pair_boundaries
from vidcore_bmn.model import Bmn as BmnNet
from vidcore_bmn.model import BoundaryMaps, BoundaryMatchingLayer
from vidcore_bmn.sampling import cells, sample_weights
from vidcore_bmn.weights import from_mmaction2

SMALL = Bmn.example()


def test_matching_is_what_the_paper_says_sampled_first_and_convolved_then() -> None:
    layer, x = BoundaryMatchingLayer(SMALL), torch.randn(2, SMALL.width_1d, SMALL.length)
    table = torch.from_numpy(sample_weights(SMALL.length, SMALL.samples, SMALL.samples_per_bin, SMALL.context))
    sampled = torch.zeros(2, SMALL.width_1d, SMALL.samples, SMALL.length, SMALL.length)
    duration, start = torch.from_numpy(cells(SMALL.length)).T
    sampled[..., duration, start] = torch.einsum("nct,stp->ncsp", x, table)
    expected = F.relu(F.conv3d(sampled, layer.weight[..., None, None], layer.bias).squeeze(2))
    torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_tables_are_no_part_of_the_weights() -> None:
    names = set(BmnNet(SMALL).state_dict())
    assert "match.weight" in names
    assert not any("sampling" in name or "places" in name for name in names)


def test_a_key_of_another_network_is_refused() -> None:
    with pytest.raises(WeightsError, match=r"'x_4d_p\.0\.weight' is not of a Boundary-Matching Network"):
        from_mmaction2({"x_4d_p.0.weight": torch.zeros(1)})


def test_features_that_do_not_fit_are_told_before_anything_is_built() -> None:
    told = list(SMALL.check_inputs({"features": (400, 100)}))
    assert told[0] == "features have 400 channels, model.in_channels is 8"
    assert told[1] == "features have 100 moments, model.length is 12"
    with pytest.raises(ValueError, match="width_1d = 10 is not a multiple of groups = 4"):
        Bmn(width_1d=10)


def test_proposals_are_pairs_of_boundaries_in_order() -> None:
    start, end = np.array([0.1, 0.9, 0.1, 0.1, 0.1]), np.array([0.1, 0.1, 0.1, 0.8, 0.1])
    confidence = np.full((2, 5, 5), 0.5)
    confidence[:, 1, 1] = 1.0  # two moments, from the first on
    segments, scores = pair_boundaries(confidence, start, end, peak=0.5)
    assert segments[scores.argmax()].tolist() == [0.2, 0.6]
    assert scores.max() == pytest.approx(0.72)
    assert len(segments) == 4  # 0 and 1 start, 3 and 4 end
    assert (segments[:, 0] < segments[:, 1]).all()


def test_a_cell_that_is_the_truth_has_iou_one() -> None:
    targets = map_targets([np.array([[0.25, 0.75]]), np.zeros((0, 2))], 8)
    assert targets.iou[0, 3, 2] == 1.0
    assert not targets.iou[1].any() and not targets.start[1].any()


def test_loss_is_lower_for_better_maps_and_ignores_what_ends_after_the_video() -> None:
    targets = map_targets([np.array([[0.25, 0.75]])], 8)
    drawn = torch.full((2, 1, 8, 8), 0.9)

    def loss(confidence: torch.Tensor) -> float:
        maps = BoundaryMaps(confidence=confidence, start=targets.start * 0.9, end=targets.end * 0.9)
        return float(map_loss(maps, targets, drawn, BoundaryMatching()).total)

    good = torch.stack([targets.iou, (targets.iou > 0.9) * 0.98 + 0.01], dim=1)
    beyond = good.clone()
    beyond[:, :, candidate_mask(8) == 0] = 0.5
    assert loss(good) < loss(torch.full_like(good, 0.5))
    assert loss(beyond) == pytest.approx(loss(good))


def test_loss_without_any_segment_is_finite() -> None:
    maps = BoundaryMaps(
        confidence=torch.full((1, 2, 8, 8), 0.5), start=torch.full((1, 8), 0.5), end=torch.full((1, 8), 0.5)
    )
    empty = MapTargets(iou=torch.zeros(1, 8, 8), start=torch.zeros(1, 8), end=torch.zeros(1, 8))
    assert torch.isfinite(map_loss(maps, empty, torch.rand(2, 1, 8, 8), BoundaryMatching()).total)
