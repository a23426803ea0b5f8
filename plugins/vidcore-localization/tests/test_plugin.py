from __future__ import annotations

import pytest

from vidcore.plugins import Component
from vidcore.testing import check_component, check_light, check_plugin
from vidcore_localization import plugin

COMPONENTS = plugin.vidcore_components()


def test_the_plugin_keeps_its_promises() -> None:
    check_plugin(plugin)
    check_light(plugin, COMPONENTS)


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda one: f"{one.kind}-{one.name}")
def test_component_keeps_the_contract(component: Component) -> None:
    check_component(component)
