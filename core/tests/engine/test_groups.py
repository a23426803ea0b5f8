"""Which parameters are trained, and how fast."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from vidcore.engine.config import GroupFactors, Sgd
from vidcore.engine.groups import describe, for_torch, freeze, parameter_groups, scale_of, set_training_mode
from vidcore.errors import ConfigError


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv3d(3, 4, 3), nn.BatchNorm3d(4))
        self.body = nn.Sequential(nn.Conv3d(4, 4, 3), nn.BatchNorm3d(4), nn.LayerNorm(2))
        self.head = nn.Linear(4, 2)


class DeclaringNet(Net):
    def param_groups(self) -> list[dict[str, Any]]:
        return [
            {"params": [self.head.weight], "lr_factor": 5.0},
            {"params": [self.head.bias], "lr_factor": 10.0, "weight_decay_factor": 0.0},
        ]


def factors(model: nn.Module, config: Sgd) -> dict[str, tuple[float, float]]:
    return {
        name: (group.factors.lr_factor, group.factors.weight_decay_factor)
        for group in parameter_groups(model, config)
        for name in group.names
    }


def test_without_options_there_is_one_group_in_the_order_of_the_model() -> None:
    (group,) = parameter_groups(Net(), Sgd())
    assert group.names == [name for name, _ in Net().named_parameters()]


def test_norms_and_biases_may_go_without_decay() -> None:
    found = factors(Net(), Sgd(no_decay_norm_bias=True))
    assert {name for name, (_, decay) in found.items() if decay} == {"stem.0.weight", "body.0.weight", "head.weight"}


def test_patterns_and_the_models_own_groups_are_multiplied() -> None:
    config = Sgd(groups={"head": GroupFactors(lr_factor=0.5), "*.weight": GroupFactors(weight_decay_factor=2.0)})
    found = factors(DeclaringNet(), config)
    assert found["head.weight"] == (2.5, 2.0)
    assert found["head.bias"] == (5.0, 0.0)
    assert found["stem.0.weight"] == (1.0, 2.0)
    assert found["stem.0.bias"] == (1.0, 1.0)


def test_torch_gets_rates_and_decays() -> None:
    config = Sgd(lr=0.1, weight_decay=0.01, groups={"head": GroupFactors(lr_factor=5.0, weight_decay_factor=0.0)})
    body, head = for_torch(parameter_groups(Net(), config), config, scale=2.0)
    assert (body["lr"], body["base_lr"], body["weight_decay"]) == (0.2, 0.2, 0.01)
    assert (head["lr"], head["weight_decay"], head["names"]) == (1.0, 0.0, ["head.weight", "head.bias"])


def test_groups_can_be_shown() -> None:
    config = Sgd(groups={"head": GroupFactors(lr_factor=5.0)})
    lines = list(describe(parameter_groups(Net(), config), config))
    assert lines[1] == "lr 0.5, weight decay 0: 2 tensors, 10 parameters (head.weight … head.bias)"


def test_layers_far_from_the_head_may_learn_slower() -> None:
    class Layered(Net):
        def layer_ids(self) -> dict[str, int]:
            return {name: ("stem", "body", "head").index(name.split(".")[0]) for name, _ in self.named_parameters()}

    found = factors(Layered(), Sgd(layer_decay=0.5, groups={"head": GroupFactors(lr_factor=5.0)}))
    assert [found[name][0] for name in ("stem.0.weight", "body.1.bias", "head.weight")] == [0.25, 0.5, 5.0]
    with pytest.raises(ConfigError, match="optimizer.layer_decay: Net does not number its layers"):
        parameter_groups(Net(), Sgd(layer_decay=0.5))


def test_a_pattern_that_matches_nothing_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"engine.freeze: 'steam' matches no parameter; did you mean 'stem'\?"):
        freeze(Net(), ["steam"])
    with pytest.raises(ConfigError, match=r"optimizer.groups: 'heads.\*' matches no parameter; did you mean 'head'"):
        parameter_groups(Net(), Sgd(groups={"heads.*": GroupFactors()}))


def test_frozen_parameters_are_in_no_group_and_their_norms_stand_still() -> None:
    model = Net()
    assert freeze(model, ["stem", "body.1.*"]) == [
        "stem.0.weight",
        "stem.0.bias",
        "stem.1.weight",
        "stem.1.bias",
        "body.1.weight",
        "body.1.bias",
    ]
    assert not any(name.startswith("stem") for name in factors(model, Sgd()))
    set_training_mode(model, frozen_norm=False)
    assert [model.stem[1].training, model.body[1].training, model.body.training] == [False, False, True]


def test_all_norms_but_the_first_can_stand_still() -> None:
    model = Net()
    assert freeze(model, ["*.1.*", "!stem"]) == ["body.1.weight", "body.1.bias"]
    set_training_mode(model, frozen_norm=False)
    assert [model.stem[1].training, model.body[1].training] == [True, False]


def test_all_norms_may_stand_still() -> None:
    model = Net()
    set_training_mode(model, frozen_norm=True)
    assert [model.stem[1].training, model.body[1].training, model.body[2].training] == [False, False, True]


def test_freezing_everything_is_an_error() -> None:
    with pytest.raises(ConfigError, match="none of the 12 parameters is left to train"):
        freeze(Net(), ["*"])
    with pytest.raises(ConfigError, match="^model: Identity: none of the 0 parameters is left to train"):
        freeze(torch.nn.Identity(), [])


def test_a_misspelt_key_of_a_models_group_is_an_error() -> None:
    net = Net()
    net.param_groups = lambda: [{"params": [net.head.weight], "lr_factr": 5.0}]  # type: ignore[method-assign]
    with pytest.raises(TypeError, match="lr_factr"):
        parameter_groups(net, Sgd())


def test_a_pattern_that_takes_nothing_back_is_an_error() -> None:
    with pytest.raises(ConfigError, match="'!head' takes nothing back: no pattern before it froze it"):
        freeze(Net(), ["!head"])


def test_the_learning_rate_follows_the_batch() -> None:
    assert scale_of(None, 8) == 1.0
    assert scale_of(64, 16) == 0.25


def test_tied_parameters_are_trained_once() -> None:
    model = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)})
    model["b"].weight = model["a"].weight
    (group,) = parameter_groups(model, Sgd())
    assert group.names == ["a.weight", "a.bias", "b.bias"]
    torch.optim.SGD(for_torch([group], Sgd()), lr=0.1)
