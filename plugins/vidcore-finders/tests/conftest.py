"""The engine's toy experiment, as if it were installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent
TOY = TESTS.parents[2] / "core" / "tests" / "engine" / "toy"
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
def toys(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Metadata that makes the host find it."""
    from vidcore.plugins import host

    site = tmp_path_factory.mktemp("site")
    for name, module in (("engine-toy", "vidcore_engine_toy.plugin"),):
        info = site / f"vidcore_{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vidcore-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[vidcore]\n{name} = {module}\n")
    monkeypatch.syspath_prepend(str(site))
    host.cache_clear()
    yield
    host.cache_clear()


@pytest.fixture
def run_toy(tmp_path: Path, toys: None) -> Run:
    """Run the toy experiment under `tmp_path/runs`; `a__b=1` overrides the key `a.b`."""
    from vidcore.engine.runner import RunResult, run

    def go(name: str = "toy", progress: object | None = None, **overrides: Any) -> RunResult:
        experiment = load_toy(tmp_path, {key.replace("__", "."): value for key, value in overrides.items()})
        return run(experiment, runs=tmp_path / "runs", name=name, progress=progress)

    return go
