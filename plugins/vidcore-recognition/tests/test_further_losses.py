from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from vidcore.errors import ConfigError
from vidcore.plugins import build
from vidcore_recognition.losses.config import ClassBalancedFocal, GroupedBce

LOGITS = torch.tensor([[1.0, -2.0, 0.5], [0.3, 0.1, -1.0]])
NAN = float("nan")


def test_without_focus_and_balance_the_focal_loss_is_the_sum_of_binary_cross_entropies() -> None:
    loss = build(ClassBalancedFocal(samples=(5, 5, 5), gamma=0.0))
    hot = F.one_hot(torch.tensor([0, 2]), 3).float()
    expected = F.binary_cross_entropy_with_logits(LOGITS, hot, reduction="sum") / 2
    assert loss(LOGITS, torch.tensor([0, 2])).item() == pytest.approx(expected.item(), rel=1e-6)
    assert loss(LOGITS, hot).item() == pytest.approx(expected.item(), rel=1e-6)


def test_rare_classes_cost_more_and_easy_entries_less() -> None:
    rare_first = build(ClassBalancedFocal(samples=(10, 1000, 1000), beta=0.999))
    same = torch.zeros(1, 3)
    assert rare_first(same, torch.tensor([0])) > 10 * rare_first(same, torch.tensor([1]))
    plain, focal = (build(ClassBalancedFocal(samples=(5, 5, 5), gamma=gamma)) for gamma in (0.0, 2.0))
    easy, hard = torch.tensor([[5.0, -5.0, -5.0]]), torch.tensor([[-5.0, 5.0, 5.0]])
    label = torch.tensor([0])
    assert focal(easy, label) / plain(easy, label) < 0.01 < 0.9 < focal(hard, label) / plain(hard, label)


def test_the_loss_stays_finite_at_logits_beyond_any_probability() -> None:
    logits = torch.tensor([[500.0, -500.0, 0.0]], requires_grad=True)
    loss = build(ClassBalancedFocal(samples=(5, 5, 5)))(logits, torch.tensor([1]))
    loss.backward()
    assert math.isfinite(loss.item())
    assert logits.grad is not None and logits.grad.isfinite().all()


def test_labels_that_nobody_looked_for_neither_cost_nor_teach() -> None:
    loss = build(GroupedBce(groups=(2, 1)))
    logits = LOGITS.clone().requires_grad_()
    labels = torch.tensor([[1.0, 0.0, NAN], [0.0, NAN, 1.0]])
    loss(logits, labels).backward()
    assert logits.grad is not None
    assert (logits.grad == 0).tolist() == [[False, False, True], [False, True, False]]
    everything = torch.full_like(LOGITS, NAN)
    assert loss(LOGITS, everything).item() == 0.0
    negative = build(GroupedBce(groups=(2, 1), unknown="negative"))
    assert negative(LOGITS, labels) == loss(LOGITS, labels.nan_to_num(0.0))


def test_groups_count_alike_or_as_weighted_whatever_their_size() -> None:
    labels = torch.zeros_like(LOGITS)
    first, second = build(GroupedBce(groups=(2, 1))).group_losses(LOGITS, labels)
    even = build(GroupedBce(groups=(2, 1)))(LOGITS, labels)
    weighted = build(GroupedBce(groups=(2, 1), group_weights=(3.0, 1.0)))(LOGITS, labels)
    assert even.item() == pytest.approx((first + second).item() / 2)
    assert weighted.item() == pytest.approx((3 * first + second).item() / 4)
    by_class = build(GroupedBce(groups=(2, 1), average="classes"))(LOGITS, labels)
    assert by_class.item() == pytest.approx(F.binary_cross_entropy_with_logits(LOGITS, labels).item())
    summed = build(GroupedBce(groups=(2, 1), average="classes", reduction="sum"))(LOGITS, labels)
    assert summed.item() == pytest.approx(3 * by_class.item())


def test_a_group_that_no_row_knows_leaves_its_share_to_the_others() -> None:
    loss = build(GroupedBce(groups=(2, 1), group_weights=(3.0, 1.0)))
    labels = torch.tensor([[1.0, 0.0, NAN], [0.0, 1.0, NAN]])
    first, _ = loss.group_losses(LOGITS, labels)
    assert loss.shares(labels).tolist() == [1.0, 0.0]
    assert loss(LOGITS, labels).item() == pytest.approx(first.item())


def test_another_number_of_classes_is_told() -> None:
    with pytest.raises(ConfigError, match=r"task\.loss\.samples has 2 values, but the model answers 3"):
        build(ClassBalancedFocal(samples=(1, 2)))(LOGITS, torch.tensor([0, 1]))
    with pytest.raises(ConfigError, match=r"task\.loss\.groups has 4 classes in all, but the model answers 3"):
        build(GroupedBce(groups=(2, 2)))(LOGITS, torch.zeros(2, 3))
    with pytest.raises(ConfigError, match="labels are"):
        build(GroupedBce(groups=(2, 1)))(LOGITS, torch.tensor([0, 1]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ClassBalancedFocal(samples=(3, 0)), "0"),
        (lambda: ClassBalancedFocal(samples=(3,), beta=1.0), r"1\.0"),
        (lambda: GroupedBce(groups=(2, 1), group_weights=(1.0,)), "1 values for 2 groups"),
        (lambda: GroupedBce(groups=(2, 1), group_weights=(0.0, 0.0)), "nothing would be learnt"),
    ],
)
def test_options_outside_their_limits_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
