"""Fixtures around the toy experiment, for the engine's tests and those of plugins; import them in a conftest.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from toy_run import Run, load_toy

TOY = Path(__file__).parent


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Toys are slower with more."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def install(site: Path, **modules: str) -> None:
    """Metadata by which the host finds the toy, and further plugins by entry point and module, as if installed."""
    for name, module in {"engine_toy": "vidcore_engine_toy.plugin", **modules}.items():
        info = site / f"vidcore_{name}-1.0.dist-info"
        info.mkdir()
        plain = name.replace("_", "-")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vidcore-{plain}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[vidcore]\n{plain} = {module}\n")


@pytest.fixture
def further_plugins() -> dict[str, str]:
    """What is to be installed beside the toy; override it."""
    return {}


@pytest.fixture
def toy_plugin(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, further_plugins: dict[str, str]
) -> Iterator[None]:
    """The host, here and in subprocesses, finds the toy."""
    from vidcore.plugins import host

    site = tmp_path_factory.mktemp("site")
    install(site, **further_plugins)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", f"{site}:{TOY}")
    host.cache_clear()
    yield
    host.cache_clear()


@pytest.fixture
def run_toy(tmp_path: Path, toy_plugin: None) -> Run:
    """Run the toy experiment in this process, under `tmp_path/runs`; `a__b=1` overrides the key `a.b`."""
    from vidcore.engine.runner import RunResult, run

    def go(name: str = "toy", fresh: bool = False, progress: object | None = None, **overrides: Any) -> RunResult:
        experiment = load_toy(tmp_path, {key.replace("__", "."): value for key, value in overrides.items()})
        return run(experiment, runs=tmp_path / "runs", name=name, fresh=fresh, progress=progress)

    return go
