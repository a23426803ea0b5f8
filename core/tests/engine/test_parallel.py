"""What the core knows of several processes: who brings them, and how many chunks a step has."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from attrs import evolve
from toy_run import Run, load_toy

from vidcore.cli.main import main
from vidcore.engine.parallel import Parallel, open_parallel, share_chunks
from vidcore.errors import ConfigError, PluginError
from vidcore.plugins import host

pytestmark = pytest.mark.usefixtures("toy_plugin")


def test_one_process_needs_no_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "1")
    with open_parallel(load_toy(tmp_path, {})) as parallel:
        assert (type(parallel), parallel.world, parallel.rank) == (Parallel, 1, 0)


def test_several_processes_without_the_plugin_are_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("VIDCORE_PLUGINS", "engine-toy")
    host.cache_clear()
    with pytest.raises(PluginError, match="2 processes were started, and .*pip install vidcore-parallel"):
        open_parallel(load_toy(tmp_path, {}))


@pytest.mark.parametrize(
    ("accumulate", "before", "world", "chunks"),
    [(None, None, 1, 1), (None, None, 4, 4), (4, None, 2, 4), (None, 4, 2, 4), (6, 4, 2, 6)],
)
def test_a_step_has_the_chunks_it_began_with(
    tmp_path: Path, accumulate: int | None, before: int | None, world: int, chunks: int
) -> None:
    experiment = load_toy(tmp_path, {})
    experiment = evolve(experiment, engine=evolve(experiment.engine, accumulate=accumulate))
    assert (
        share_chunks(experiment, world, {"engine": {"accumulate": before}} if before else {}).engine.accumulate
        == chunks
    )


def test_processes_that_cannot_share_the_chunks_are_refused_with_those_that_can(tmp_path: Path) -> None:
    experiment = load_toy(tmp_path, {"engine.accumulate": 4})
    with pytest.raises(ConfigError, match=r"4 chunks, which 3 processes cannot share evenly; start one of 1, 2, 4 "):
        share_chunks(experiment, 3, {})


def test_a_run_writes_how_many_chunks_a_step_has(run_toy: Run) -> None:
    assert "accumulate = 2" in (run_toy(engine__epochs=1).folder / "experiment.toml").read_text()


@pytest.mark.parametrize(("rank", "on_machine", "tells"), [(0, 0, True), (3, 3, False), (8, 0, True), (8, None, False)])
def test_the_first_process_of_each_machine_tells_what_is_wrong(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, rank: int, on_machine: int | None, tells: bool
) -> None:
    for name, value in {"WORLD_SIZE": 16, "RANK": rank, "LOCAL_RANK": on_machine}.items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(sys, "argv", ["vidcore", "run", "nothing-here.toml"])
    speaking = sys.stdout
    try:
        with pytest.raises(SystemExit, match="2"):
            main()
    finally:
        silenced, sys.stdout = sys.stdout, speaking
        if silenced is not speaking:
            silenced.close()
    assert ("nothing-here.toml" in capsys.readouterr().err) == tells
