from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from vidcore.errors import ConfigError
from vidcore.plugins import build
from vidcore_recognition.losses.config import Bce, CrossEntropy, Nll


@pytest.fixture
def logits() -> Tensor:
    return torch.randn(6, 4, generator=torch.Generator().manual_seed(1))


LABELS = torch.tensor([0, 3, 1, 1, 2, 0])


def test_cross_entropy_of_hard_labels_is_torchs(logits: Tensor) -> None:
    torch.testing.assert_close(build(CrossEntropy())(logits, LABELS), F.cross_entropy(logits, LABELS))


def test_label_smoothing_is_torchs(logits: Tensor) -> None:
    ours = build(CrossEntropy(label_smoothing=0.1))(logits, LABELS)
    torch.testing.assert_close(ours, F.cross_entropy(logits, LABELS, label_smoothing=0.1))


@pytest.mark.parametrize(
    "config", [CrossEntropy(class_weights=(1.0, 2.0, 0.5, 3.0)), Nll(class_weights=(1.0, 2.0, 0.5, 3.0))]
)
def test_one_hot_target_costs_what_its_class_costs(config: CrossEntropy | Nll, logits: Tensor) -> None:
    loss = build(config)
    torch.testing.assert_close(loss(logits, F.one_hot(LABELS, 4).float()), loss(logits, LABELS))


def test_bce_smoothing_draws_targets_towards_one_half(logits: Tensor) -> None:
    targets = F.one_hot(LABELS, 4).float()
    expected = F.binary_cross_entropy_with_logits(logits, targets * 0.8 + 0.1)
    torch.testing.assert_close(build(Bce(label_smoothing=0.2))(logits, targets), expected)


@pytest.mark.parametrize("config", [CrossEntropy(weight=0.5), Bce(weight=0.5), Nll(weight=0.5)])
def test_weight_scales_the_loss(config: CrossEntropy | Bce | Nll, logits: Tensor) -> None:
    torch.testing.assert_close(build(config)(logits, LABELS), 0.5 * build(type(config)())(logits, LABELS))


@pytest.mark.parametrize("config", [CrossEntropy(), Bce(), Nll()])
def test_loss_of_half_precision_is_computed_in_float32(config: CrossEntropy | Bce | Nll, logits: Tensor) -> None:
    half = logits.bfloat16()
    loss = build(config)(half, LABELS)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, build(config)(half.float(), LABELS))


def test_wrong_number_of_class_weights_says_both_numbers(logits: Tensor) -> None:
    with pytest.raises(ConfigError, match=r"class_weights has 3 values, but the model answers 4 classes"):
        build(CrossEntropy(class_weights=(1.0, 2.0, 3.0)))(logits, LABELS)


def test_negative_class_weight_is_refused() -> None:
    with pytest.raises(ValueError, match=r"class_weights.*>= 0"):
        CrossEntropy(class_weights=(1.0, -1.0))
