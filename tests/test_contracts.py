"""Every installed component keeps the contracts that plugin authors are asked to keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import click
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from vidcore.cli.main import cli
from vidcore.engine.precision import choose_precision
from vidcore.plugins import Component, build, host, load_reference
from vidcore.testing import check_component, check_light, check_model
from vidcore.testing.components import check_description, check_round_trip, example_of
from vidcore.testing.models import ModelCase


def _name(component: Component) -> str:
    return f"{component.kind}-{component.name}"


def _tensors(outputs: Any) -> Iterator[Tensor]:
    """Every floating tensor of what a model answers."""
    if isinstance(outputs, Tensor):
        yield from [outputs] if outputs.is_floating_point() else []
        return
    if attrs.has(type(outputs)):
        outputs = [getattr(outputs, entry.name) for entry in attrs.fields(type(outputs))]
    for one in outputs.values() if isinstance(outputs, dict) else outputs if isinstance(outputs, list | tuple) else []:
        yield from _tensors(one)


def _on_gpu(value: Tensor) -> Tensor:
    moved = value.detach().to("cuda")
    return nn.Parameter(moved, value.requires_grad) if isinstance(value, nn.Parameter) else moved


COMPONENTS = sorted(host().components, key=_name)
MODELS = [component for component in COMPONENTS if component.kind == "model"]


@pytest.mark.parametrize("component", MODELS, ids=_name)
def test_model_keeps_every_contract(component: Component) -> None:
    check_model(example_of(component))


@pytest.mark.parametrize("component", COMPONENTS, ids=_name)
def test_component_is_described_and_its_config_survives_toml(component: Component) -> None:
    if component.kind != "model":
        check_component(component)
        return
    check_description(component)
    check_round_trip(example_of(component))


@pytest.mark.parametrize("component", MODELS, ids=_name)
def test_model_stays_on_its_device(component: Component) -> None:
    """Shapes and devices of a GPU, worked out without one: a tensor made on the CPU fails where it meets them."""
    config = example_of(component)
    with FakeTensorMode():
        model = build(config)
        for module in model.modules():  # as Module.to, which knows no tensors without values
            for table in (module._parameters, module._buffers):
                table.update({name: _on_gpu(value) for name, value in table.items() if value is not None})
        inputs = {name: torch.empty(2, *shape, device="cuda") for name, shape in config.example_inputs().items()}
        found = list(_tensors(model.train()(**inputs)))
    assert found and {tensor.device.type for tensor in found} == {"cuda"}


@pytest.mark.gpu
@pytest.mark.parametrize("component", MODELS, ids=_name)
def test_model_answers_on_a_gpu_what_it_answers_on_a_cpu(component: Component) -> None:
    case = ModelCase.of(example_of(component))
    model = case.model()
    moved = {name: value.cuda() for name, value in case.inputs.items()}
    with torch.no_grad(), choose_precision("fp32", torch.device("cuda")).matmul_settings():
        expected = list(_tensors(model(**case.inputs)))
        for ours, theirs in zip(_tensors(model.cuda()(**moved)), expected, strict=True):
            apart = float((ours.cpu() - theirs).abs().max() / theirs.abs().max())
            assert apart < 1e-3  # sums in another order, through every layer
    with choose_precision("bf16", torch.device("cuda")).autocast():
        total = torch.stack([one.float().square().mean() for one in _tensors(model.train()(**moved))]).sum()
    total.backward()
    assert all(one.grad is None or one.grad.isfinite().all() for one in model.parameters())


def test_config_modules_import_no_torch() -> None:
    import vidcore.builtin

    check_light(vidcore.builtin, COMPONENTS)


def test_every_command_can_be_typed() -> None:
    """Tests call commands as objects: here is shown that the words lead to them."""
    context = click.Context(cli)
    for command in host().commands:
        parent = cli.get_command(context, command.group) if command.group else cli
        assert parent is not None, f"vidcore {command.group} {command.name}: there is no `vidcore {command.group}`"
        if isinstance(parent, click.Group):  # else the core calls it
            assert command.name in parent.list_commands(context)


def test_every_command_that_writes_calls_it_output() -> None:
    written = {"-o", "--out", "--output", "--dump"}
    for command in host().commands:
        for one in load_reference(command.target).params:
            if isinstance(one, click.Option) and written & set(one.opts):
                assert {"-o", "--output"} <= set(one.opts), f"vidcore {command.group} {command.name}: {one.opts}"


def test_every_kind_of_model_was_found() -> None:
    assert host().broken == []
    assert host().conflicts == []
