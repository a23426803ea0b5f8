from __future__ import annotations

import pytest
import torch

from vidcore_tasks.views import Merge, merge_views

OUTPUTS = torch.tensor([[0.0, 2.0], [4.0, 0.0]])


@pytest.mark.parametrize(
    ("merge", "expected"),
    [("prob", [8.0, 2.0]), ("score", [4.0, 1.0]), ("none", [[0.0, 4.0], [16.0, 0.0]])],
)
def test_views_are_merged_after_or_before_probabilities_or_not_at_all(merge: Merge, expected: list[float]) -> None:
    assert merge_views(OUTPUTS, merge, torch.square).tolist() == expected
