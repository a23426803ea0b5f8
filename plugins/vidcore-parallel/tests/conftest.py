"""Runs of the engine's toy experiment in several processes, over gloo."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TOY = TESTS.parents[2] / "core" / "tests" / "engine" / "toy"
sys.path[:0] = [str(TESTS), str(TOY)]

from toy_processes import Processes  # noqa: E402


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables with which a process finds the toy's plugin as if it were installed."""
    site = tmp_path_factory.mktemp("site")
    info = site / "vidcore_engine_toy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vidcore-engine-toy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vidcore]\nengine-toy = vidcore_engine_toy.plugin\n")
    paths = [str(site), str(TOY), *filter(None, [os.environ.get("PYTHONPATH")])]
    without = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "PYTHONWARNINGS"}
    kept = {key: value for key, value in os.environ.items() if key not in without}
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1", "VIDCORE_STRICT_PLUGINS": "1"}


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Processes:
    return Processes(tmp_path_factory.mktemp("parallel"), environment)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a launcher that starts one process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": 0, "WORLD_SIZE": 1}.items():
        monkeypatch.setenv(name, str(value))
