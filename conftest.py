"""What every test of the workspace gets: its own random state, the shared data, listed skips."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = ["listed_skips"]

ROOT = Path(__file__).resolve().parent
SEED = 0


@pytest.fixture(autouse=True)
def own_random_state() -> Iterator[None]:
    """Seed before each test and restore after it, so that no test depends on the ones before.

    numpy and torch are not imported for it: a test that uses them has imported them by now.
    """
    state = random.getstate()
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    numpy_state = numpy.random.get_state() if numpy else None
    torch_state = torch.random.get_rng_state() if torch else None
    random.seed(SEED)
    if numpy:
        numpy.random.seed(SEED)
    if torch:
        torch.manual_seed(SEED)
    yield
    random.setstate(state)
    if numpy:
        numpy.random.set_state(numpy_state)
    if torch:
        torch.random.set_rng_state(torch_state)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real videos, annotations and checkpoints: VIDCORE_TEST_DATA, or shared/data beside the repository."""
    folder = Path(os.environ.get("VIDCORE_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("shared test data absent")
    return folder
