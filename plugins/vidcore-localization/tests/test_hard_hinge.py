from __future__ import annotations

import pytest
import torch

from vidcore.errors import ConfigError
from vidcore.plugins import build
from vidcore_localization.losses.config import HardHinge

LOGITS = torch.tensor([[2.0, 0.0], [0.5, 0.0], [0.0, -3.0], [0.0, 0.0]])
CLASSES = torch.tensor([0, 0, 1, 1])  # cost 0, 0.5, 4 and 1


@pytest.mark.parametrize(("share", "cost"), [(1.0, 5.5), (0.5, 5.0), (0.1, 4.0)])
def test_the_hardest_share_of_a_batch_counts_and_at_least_one_row(share: float, cost: float) -> None:
    logits = LOGITS.clone().requires_grad_()
    loss = build(HardHinge(share=share, weight=2.0))(logits, CLASSES)
    assert loss.item() == pytest.approx(2 * cost)
    loss.backward()
    assert logits.grad is not None and logits.grad[2].tolist() == [0.0, -2.0]
    assert logits.grad[0].tolist() == [0.0, 0.0]


def test_soft_targets_are_refused() -> None:
    with pytest.raises(ConfigError, match="one class a sample"):
        build(HardHinge())(LOGITS, torch.ones(4, 2))
