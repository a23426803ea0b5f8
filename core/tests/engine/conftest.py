"""The toy plugin of `toy/`: importable in every test here, installed for those that ask for `toy_plugin`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TOY = Path(__file__).parent / "toy"
sys.path.insert(0, str(TOY))

from toy_run import Run, load_toy  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Toys are slower with more."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def toy_plugin(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Metadata that makes the host, here and in subprocesses, find the toy as if it were installed."""
    from vidcore.plugins import host

    site = tmp_path_factory.mktemp("site")
    info = site / "vidcore_engine_toy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vidcore-engine-toy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vidcore]\nengine-toy = vidcore_engine_toy.plugin\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", f"{site}:{TOY}")
    host.cache_clear()
    yield
    host.cache_clear()


@pytest.fixture
def run_toy(tmp_path: Path) -> Run:
    """Run the toy experiment in this process, under `tmp_path/runs`; `a__b=1` overrides the key `a.b`."""
    from vidcore.engine.runner import RunResult, run

    def go(name: str = "toy", fresh: bool = False, progress: object | None = None, **overrides: Any) -> RunResult:
        experiment = load_toy(tmp_path, {key.replace("__", "."): value for key, value in overrides.items()})
        return run(experiment, runs=tmp_path / "runs", name=name, fresh=fresh, progress=progress)

    return go
