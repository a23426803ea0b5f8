"""torch.compile: the same names, about the same values, and a reason in the log where it cannot be done."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vidcore.errors import ConfigError
from vidcore.plugins import build
from vidcore.plugins.discovery import default_config
from vidcore_training.compilation import reason_of


class Blocky(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(nn.Linear(4, 4) for _ in range(2))

    def blocks(self) -> list[nn.Module]:
        return list(self.stages)

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.stages:
            x = stage(x).relu()
        return x


def compiler(name: str) -> Any:
    return build(default_config("compiler", name))


@pytest.fixture
def eager_backend(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count compilations, with a backend that needs no C++ compiler."""
    compiled: list[int] = []
    real = torch.compile

    def counting(function: Any, **options: Any) -> Any:
        compiled.append(1)
        return real(function, backend="eager")

    monkeypatch.setattr(torch, "compile", counting)
    return compiled


@pytest.mark.parametrize(("how", "count"), [("model", 1), ("blocks", 2)])
def test_values_and_names_stay(eager_backend: list[int], how: Any, count: int) -> None:
    model, x = Blocky(), torch.randn(3, 4)
    names, expected = list(model.state_dict()), model(x)
    compiler(how)(model)
    torch.testing.assert_close(model(x), expected)
    model(x).sum().backward()
    assert list(model.state_dict()) == names
    assert len(eager_backend) == count


def test_what_cannot_be_compiled_runs_as_it_is_and_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(function: Any, **options: Any) -> Any:
        def fail(*args: Any, **kwargs: Any) -> Any:
            raise RuntimeError("no C++ compiler was found\nand many more lines")

        return fail

    monkeypatch.setattr(torch, "compile", broken)
    model, x = Blocky(), torch.randn(3, 4)
    expected = model(x)
    compiler("blocks")(model)
    for _ in range(2):
        assert torch.equal(model(x), expected)
    assert caplog.text.count("engine.compile: block 0 (Linear) runs uncompiled: no C++ compiler was found") == 1
    assert "many more lines" not in caplog.text


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("CppCompileError: C++ compile error\n\nCommand:\ng++\n\nOutput:\ncannot find ld\nmore", "cannot find ld"),
        ("backend='inductor' raised:\nRuntimeError: Cannot find a working triton\n", "Cannot find a working triton"),
        ("", "RuntimeError"),
    ],
)
def test_the_reason_is_what_a_compiler_said(said: str, told: str) -> None:
    assert reason_of(RuntimeError(said)).endswith(told)


def test_an_error_of_the_model_itself_is_the_models(eager_backend: list[int]) -> None:
    model = Blocky()
    compiler("model")(model)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        model(torch.randn(3, 5))


def test_a_model_without_blocks_is_told() -> None:
    with pytest.raises(ConfigError, match=r'engine.compile = "blocks": Linear declares no blocks\(\); use "model"'):
        compiler("blocks")(nn.Linear(2, 2))


@pytest.mark.gpu
@pytest.mark.parametrize("how", ["model", "blocks"])
def test_what_is_compiled_for_a_gpu_answers_the_same(caplog: pytest.LogCaptureFixture, how: Any) -> None:
    model, x = Blocky().cuda(), torch.randn(3, 4, device="cuda")
    expected = model(x)
    compiler(how)(model)
    torch.testing.assert_close(model(x), expected, rtol=1e-4, atol=1e-5)
    model(x).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert "runs uncompiled" not in caplog.text
