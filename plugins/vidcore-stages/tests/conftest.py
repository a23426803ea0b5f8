"""A file of stages over the engine's toy experiment, and the vidcore command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

TESTS = Path(__file__).parent
TOY = TESTS.parents[2] / "core" / "tests" / "engine" / "toy"
sys.path.insert(0, str(TESTS))

from stage_files import STAGES, Vidcore  # noqa: E402


@pytest.fixture
def toys(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Metadata that makes the host find the toy as if it were installed."""
    from vidcore.plugins import host

    site = tmp_path_factory.mktemp("site")
    info = site / "vidcore_engine_toy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vidcore-engine-toy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vidcore]\nengine-toy = vidcore_engine_toy.plugin\n")
    for path in (site, TOY):
        monkeypatch.syspath_prepend(str(path))
    host.cache_clear()
    yield
    host.cache_clear()
    for path in (site, TOY):
        sys.path_importer_cache.pop(str(path), None)


@pytest.fixture
def file(tmp_path: Path, toys: None) -> Path:
    path = tmp_path / "two-steps.toml"
    path.write_text(STAGES)
    return path


@pytest.fixture
def vidcore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vidcore:
    """The command, typed in `tmp_path`; its answer, and the exit code that is expected."""
    from vidcore.cli.main import cli
    from vidcore.errors import VidcoreError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def go(*arguments: str | Path, expect: int = 0) -> str:
        result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
        error = result.exception
        if isinstance(error, VidcoreError):  # what `main` does with it
            assert error.exit_code == expect, error
            return str(error)
        assert result.exit_code == expect, result.output
        return result.output

    return go
