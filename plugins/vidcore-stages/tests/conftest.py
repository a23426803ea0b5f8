"""A file of stages over the engine's toy experiment, and the vidcore command."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

TESTS = Path(__file__).parent
sys.path[:0] = [str(TESTS), str(TESTS.parents[2] / "core" / "tests" / "engine" / "toy")]

from stage_files import STAGES, Vidcore  # noqa: E402
from toy_fixtures import further_plugins, one_thread, toy_plugin  # noqa: E402, F401


@pytest.fixture
def file(tmp_path: Path, toy_plugin: None) -> Path:  # noqa: F811 - how fixtures are asked for
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
