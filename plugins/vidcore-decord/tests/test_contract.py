from __future__ import annotations

import pytest

from vidcore.plugins import Component
from vidcore.testing import check_component
from vidcore_decord.plugin import vidcore_components


@pytest.mark.parametrize("component", vidcore_components(), ids=lambda component: component.name)
def test_contract(component: Component) -> None:
    check_component(component)
