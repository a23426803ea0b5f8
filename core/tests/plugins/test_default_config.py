from __future__ import annotations

import pytest

from vidcore.engine.config import Constant
from vidcore.errors import PluginError
from vidcore.plugins.discovery import default_config


def test_a_component_that_is_used_by_its_name_has_its_defaults() -> None:
    assert default_config("schedule", "constant") == Constant()


def test_what_is_missing_is_told_with_why_it_is_wanted() -> None:
    with pytest.raises(PluginError, match="^engine.compile: no schedule named 'constnt'; did you mean 'constant'"):
        default_config("schedule", "constnt", "engine.compile: ")
