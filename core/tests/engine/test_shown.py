"""What `vidcore run` prints: what a plugin's watcher shows of the run, or else its log and its figures."""

from __future__ import annotations

import logging
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from toy_run import load_toy

from vidcore.cli import run as command
from vidcore.engine.runner import RunResult
from vidcore.plugins import hookimpl


class Shouting:
    """A watcher."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @hookimpl
    def run_started(self) -> None:
        self.heard.append("started")

    def close(self) -> None:
        self.heard.append("closed")

    def show(self, result: RunResult) -> None:
        click.echo(" ".join([*self.heard, result.state]).upper())


def shown(folder: Path, monkeypatch: pytest.MonkeyPatch, watcher: object | None) -> str:
    load_toy(folder, {})  # writes the file
    monkeypatch.setattr(command, "first_that_accepts", lambda kind, experiment: watcher)
    options = ["--runs", str(folder / "runs"), "--set", "engine.epochs=1"]
    done = CliRunner().invoke(command.run, [str(folder / "toy.toml"), *options], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_a_watcher_hears_the_run_and_shows_what_came_of_it(
    tmp_path: Path, toy_plugin: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown(tmp_path, monkeypatch, Shouting()) == "STARTED CLOSED TRAINED\n"


def test_without_a_watcher_the_log_and_the_figures_are_shown(
    tmp_path: Path, toy_plugin: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(logging.getLogger(), "handlers", [])  # without those of pytest
        lines = shown(tmp_path, patch, None).splitlines()
    assert any("clips/s" in line for line in lines)
    assert lines[-1] == f"trained: {tmp_path / 'runs' / 'toy'}"
    assert any(line.startswith("top1 ") for line in lines[-4:])
