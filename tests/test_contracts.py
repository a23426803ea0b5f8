"""Every installed component keeps the contracts that plugin authors are asked to keep."""

from __future__ import annotations

import pytest

from vidcore.plugins import Component, host
from vidcore.testing import check_component, check_light, check_model
from vidcore.testing.components import check_description, check_round_trip, example_of


def _name(component: Component) -> str:
    return f"{component.kind}-{component.name}"


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


def test_config_modules_import_no_torch() -> None:
    import vidcore.builtin

    check_light(vidcore.builtin, COMPONENTS)


def test_every_kind_of_model_was_found() -> None:
    assert host().broken == []
    assert host().conflicts == []
