"""Devices, number formats, memory formats."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vidcore.engine import precision as module
from vidcore.engine.precision import (
    bf16_is_fast,
    choose_device,
    choose_precision,
    determinism,
    inputs_channels_last,
    to_channels_last,
)
from vidcore.errors import ConfigError

CPU = torch.device("cpu")


@pytest.mark.parametrize(("fast", "expected"), [(True, "bf16"), (False, "fp32")])
def test_auto_is_bf16_where_it_is_fast(monkeypatch: pytest.MonkeyPatch, fast: bool, expected: str) -> None:
    monkeypatch.setattr(module, "bf16_is_fast", lambda device: fast)
    assert choose_precision("auto", CPU).name == expected
    assert bf16_is_fast(torch.device("meta")) is False


def test_each_gpu_of_a_machine_is_asked_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: [(7, 0), (9, 0)][device.index])
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "old one")
    assert choose_precision("auto", torch.device("cuda:1")).name == "bf16"
    assert choose_precision("auto", torch.device("cuda:0")).name == "fp32"
    with pytest.raises(ConfigError, match='old one has no bf16; use "fp16"'):
        choose_precision("bf16", torch.device("cuda:0"))


def test_tf32_is_refused_where_there_is_none() -> None:
    with pytest.raises(ConfigError, match="tf32 is a format of CUDA devices, not of 'cpu'"):
        choose_precision("tf32", CPU)


@pytest.mark.parametrize(
    ("name", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)]
)
def test_products_are_computed_in_the_chosen_format(name: str, dtype: torch.dtype) -> None:
    precision = choose_precision(name, CPU)
    with precision.matmul_settings(), precision.autocast():
        assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == dtype
    assert precision.scaler().is_enabled() == (name == "fp16")


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "meta", "cpu:1"])
def test_an_unknown_device_is_told_with_those_that_there_are(name: str) -> None:
    with pytest.raises(ConfigError, match=f"engine.device: .*'{name}'.*this machine has: cpu"):
        choose_device(name)


def test_known_devices_are_taken() -> None:
    assert choose_device("cpu") == CPU
    assert choose_device("auto").type in ("cpu", "cuda")


def test_only_tensors_of_five_dimensions_change_their_memory_format() -> None:
    model = nn.ModuleList([nn.Conv3d(2, 3, 3), nn.Conv2d(2, 3, 3), nn.Linear(2, 2)])
    to_channels_last(model)
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last_3d)
    assert model[1].weight.is_contiguous()
    inputs = {"video": torch.zeros(1, 2, 3, 4, 5), "raw": torch.zeros(1, 2, 3, 4, 5, dtype=torch.uint8), "names": ["a"]}
    found = inputs_channels_last(inputs)
    assert found["video"].is_contiguous(memory_format=torch.channels_last_3d)
    assert found["raw"] is inputs["raw"]
    assert found["names"] == ["a"]


def test_a_kernel_that_cannot_be_deterministic_is_named() -> None:
    with pytest.raises(ConfigError, match=r"engine.deterministic: put_ does not have a determ"), determinism(True):
        torch.zeros(3).put_(torch.tensor([0, 0]), torch.ones(2))
    with pytest.raises(RuntimeError, match="another one"), determinism(True):
        raise RuntimeError("another one")


def test_determinism_is_wanted_for_a_while() -> None:
    with determinism(True):
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
    with determinism(False):
        assert not torch.are_deterministic_algorithms_enabled()
