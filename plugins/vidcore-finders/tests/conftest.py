"""The engine's toy experiment, as if it were installed."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).parent
sys.path[:0] = [str(TESTS), str(TESTS.parents[2] / "core" / "tests" / "engine" / "toy")]

from toy_fixtures import further_plugins, one_thread, run_toy, toy_plugin  # noqa: E402, F401
