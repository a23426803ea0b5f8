"""The toy plugin of `toy/`: importable in every test here, installed for those that ask for `toy_plugin`."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).parent
sys.path.insert(0, str(TESTS / "toy"))

from toy_fixtures import further_plugins, one_thread, run_toy, toy_plugin  # noqa: E402, F401
