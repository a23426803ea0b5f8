"""The engine's toy experiment, and clips whose shape follows their context, as if they were installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
sys.path[:0] = [str(TESTS), str(TESTS.parents[2] / "core" / "tests" / "engine" / "toy")]

from toy_fixtures import one_thread, run_toy, toy_plugin  # noqa: E402, F401


@pytest.fixture
def further_plugins() -> dict[str, str]:
    return {"grid_toy": "grid_toy"}
