from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner, Result

from vidcore.engine.stopping import RunStopped
from vidcore.errors import ConfigError
from vidcore.testing import check_plugin
from vidcore_sweep import plugin, trials
from vidcore_sweep.commands import sweep
from vidcore_sweep.config import Grid, Random, Range
from vidcore_sweep.reading import experiment_of, read_sweep, set_options, trial_name
from vidcore_sweep.search import GridSearch, Outcome, RandomSearch

SWEEP = """\
experiment = "quickstart"
set = ["engine.epochs=2"]
[parameters]
optimizer.lr = {lr}
"""


def test_plugin_keeps_the_contract() -> None:
    check_plugin(plugin)


# --- searches ---------------------------------------------------------------------------------------------------


def test_a_grid_has_every_combination_once_and_the_last_changes_fastest() -> None:
    search = GridSearch(Grid(), {"a": (1, 2), "b": ("x", "y")})
    found = [search.values(number, []) for number in range(5)]
    assert found == [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"}, None]


def test_more_random_trials_keep_those_before() -> None:
    space = {"lr": Range(low=1e-4, high=1.0, log=True), "depth": (18, 50), "n": Range(low=1, high=3, integer=True)}
    few, many = RandomSearch(Random(trials=3), space), RandomSearch(Random(trials=200), space)
    assert [few.values(number, []) for number in range(4)] == [*(many.values(number, []) for number in range(3)), None]
    drawn = [values for number in range(200) if (values := many.values(number, [])) is not None]
    assert {values["n"] for values in drawn} == {1, 2, 3}
    assert {values["depth"] for values in drawn} == {18, 50}
    below = sum(values["lr"] < 1e-2 for values in drawn)  # half of a logarithmic scale
    assert 80 < below < 120
    assert RandomSearch(Random(seed=1), space).values(0, []) != few.values(0, [])


def test_a_grid_takes_no_range() -> None:
    with pytest.raises(ConfigError, match="lr: a grid needs a list of values"):
        GridSearch(Grid(), {"lr": Range(low=0, high=1)})


# --- the file ---------------------------------------------------------------------------------------------------


def written(folder: Path, text: str) -> Path:
    path = folder / "lr.toml"
    path.write_text(text)
    return path


def test_values_reach_the_experiment_with_their_types(tmp_path: Path) -> None:
    text = 'experiment = "quickstart"\n[parameters]\n"optimizer.betas" = [[0.8, 0.9]]\n'
    text += 'schedule = [{ type = "cosine", warmup_epochs = 2 }]\n[parameters.engine]\nprecision = ["bf16"]\n'
    plan = read_sweep(written(tmp_path, text))
    values = plan.search.values(0, [])
    assert values is not None
    experiment = experiment_of(plan, values)
    assert (experiment.optimizer.betas, experiment.engine.precision) == ((0.8, 0.9), "bf16")
    assert set_options(values) == [
        "optimizer.betas=[0.8, 0.9]",
        'schedule={ "type" = "cosine", "warmup_epochs" = 2 }',
        'engine.precision="bf16"',
    ]


def test_every_mistake_is_told_before_the_first_run(tmp_path: Path) -> None:
    text = 'experiment = "quickstart"\n[parameters]\noptimizer.lr = [0.1, -1.0, "high"]\nmodel.dept = [18]\n'
    with pytest.raises(ConfigError) as error:
        read_sweep(written(tmp_path, text))
    told = str(error.value)
    assert "optimizer.lr: 'lr' must be >" in told
    assert 'optimizer.lr: expected a number, got "high"' in told
    assert "unknown key 'dept' of model 'slowonly'; did you mean 'depth'?" in told


def test_mistakes_of_the_file_itself_are_told_with_their_places(tmp_path: Path) -> None:
    text = 'experiment = "quickstart"\nserach = "grid"\n[parameters]\noptimizer.lr = 0.1\n'
    text += "model.depth = { low = 3, high = 2 }\n"
    with pytest.raises(ConfigError) as error:
        read_sweep(written(tmp_path, text))
    told = str(error.value)
    assert "lr.toml:2:1: serach: unknown key 'serach'; did you mean 'search'?" in told
    assert "lr.toml:4:16: parameters.optimizer.lr: expected a list of values" in told
    assert "lr.toml:5:7: parameters.model.depth: 'low' must be below 'high'" in told


def test_names_tell_values_and_differ_where_values_do() -> None:
    assert trial_name({"optimizer.lr": 0.01, "model.depth": 50}) == "lr=0.01,depth=50"
    assert trial_name({"a.size": 1, "b.size": 2}) == "a.size=1,b.size=2"
    paths = [trial_name({"model.weights": path}) for path in ("a/b", "a-b", "x" * 300, "x" * 299 + "y")]
    assert len(set(paths)) == 4
    assert all("/" not in path and len(path) < 120 for path in paths)


# --- trials -----------------------------------------------------------------------------------------------------


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).parent / "stand_in.py"} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setattr(trials.sys, "executable", str(script))
    monkeypatch.setattr(trials, "_LOOK_EVERY_SECONDS", 0.05)


def swept(folder: Path, lr: str, *options: str) -> Result:
    path = written(folder, SWEEP.format(lr=lr))
    return CliRunner().invoke(sweep, [str(path), "--runs", str(folder / "runs"), *options], catch_exceptions=False)


def test_a_failed_trial_is_told_and_the_others_are_run(stand_in: None, tmp_path: Path) -> None:
    done = swept(tmp_path, "[0.2, 0.5, 0.3]")
    assert done.exit_code == 1
    assert "trial 2 lr=0.5 failed: after step 3: no room on the disk" in done.output
    table = [line.split() for line in done.output.splitlines() if line.split()[1:2] and line.split()[0].isdigit()]
    assert [row[1:3] for row in table[:3]] == [["lr=0.3", "finished"], ["lr=0.2", "finished"], ["lr=0.5", "failed"]]
    assert "1 of 3 trials failed" in done.output


def test_started_again_it_passes_over_what_is_done_and_tries_again_what_failed(stand_in: None, tmp_path: Path) -> None:
    assert swept(tmp_path, "[0.2, 0.9]").exit_code == 1
    again = swept(tmp_path, "[0.1, 0.2, 0.9]")  # and a value was added
    assert again.exit_code == 0
    assert "trial 1 lr=0.1\n" in again.output
    assert "trial 2 lr=0.2: finished already" in again.output
    assert "trial 3 lr=0.9\n" in again.output
    assert "lr=0.9  finished  top1 0.9000" in again.output


def test_a_trial_of_another_experiment_is_not_taken_for_done(stand_in: None, tmp_path: Path) -> None:
    swept(tmp_path, "[0.2]")
    path = written(tmp_path, SWEEP.format(lr="[0.2]").replace("set = [", 'set = ["model.dropout=0.5", '))
    done = CliRunner().invoke(sweep, [str(path), "--runs", str(tmp_path / "runs")], catch_exceptions=False)
    assert done.exit_code == 1
    assert "model.dropout: was 0.0, is 0.5" in done.output


def test_a_signal_stops_the_trial_and_the_sweep(stand_in: None, tmp_path: Path) -> None:
    log = tmp_path / "runs/lr/lr=0.7/metrics.jsonl"

    def stop() -> None:
        while not log.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(RunStopped, match="stops in trial 2; the same command goes on"):
        swept(tmp_path, "[0.2, 0.7, 0.3]")
    thread.join()
    assert not (tmp_path / "runs/lr/lr=0.3").exists()
    assert [json.loads(line)["name"] for line in (tmp_path / "runs/lr/sweep.jsonl").read_text().splitlines()] == [
        "lr=0.2"
    ]


def test_a_run_that_a_killed_sweep_left_behind_is_waited_for(stand_in: None, tmp_path: Path) -> None:
    command = [sys.executable, "run", "quickstart", "--set", "engine.epochs=2", "--set", "optimizer.lr=0.7"]
    folder = tmp_path / "runs/lr/lr=0.7"
    with subprocess.Popen([*command, "--runs", str(folder.parent), "--name", folder.name]) as left:
        while not (folder / "metrics.jsonl").exists():
            time.sleep(0.05)

        def end() -> None:
            time.sleep(1.0)
            (folder / "result.json").write_text('{"epochs": 2, "best": 0.7}')
            left.terminate()

        thread = threading.Thread(target=end)
        thread.start()
        done = swept(tmp_path, "[0.7]")
        thread.join()
    assert f"trial 1 lr=0.7: in use by process {left.pid}, waiting for it to end" in done.output
    assert "trial 1 lr=0.7: finished already" in done.output


class Impatient:
    """Learns nothing, and stops a trial at its third evaluation."""

    adaptive = True

    def values(self, number: int, done: Sequence[Outcome]) -> dict[str, float] | None:
        values: list[float] = [0.2, 0.7, 0.3 + (done[1].curve[10] if len(done) > 1 else 0.0)]
        return {"optimizer.lr": values[number]} if number < 3 else None

    def stop_early(self, trial: Outcome, done: Sequence[Outcome]) -> bool:
        return len(trial.curve) >= 3 and bool(done)


def test_a_search_may_stop_a_trial_early_and_it_stays_stopped(stand_in: None, tmp_path: Path) -> None:
    plan = attrs.evolve(read_sweep(written(tmp_path, SWEEP.format(lr="[0.2]"))), search=Impatient())
    told: list[str] = []

    def run() -> list[tuple[str, str]]:
        done = trials.Trials(plan=plan, folder=tmp_path / "runs/x", tell=told.append).run()
        return [(trial.name, trial.state) for trial in done]

    expected = [("lr=0.2", "finished"), ("lr=0.7", "stopped early"), ("lr=0.31", "finished")]
    assert run() == expected
    assert run() == expected
    assert told[-2] == "trial 2 lr=0.7: stopped early already"


def test_a_dry_run_lists_trials_and_runs_none(tmp_path: Path) -> None:
    done = swept(tmp_path, "[0.1, 0.2]", "--dry-run")
    assert done.exit_code == 0
    assert done.output.splitlines()[0] == "lr=0.1: --set optimizer.lr=0.1"
    assert done.output.splitlines()[2] == "2 trials of quickstart"
    assert not (tmp_path / "runs").exists()


def test_the_command_needs_no_torch_of_its_own() -> None:
    code = "import sys, vidcore_sweep.commands\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
