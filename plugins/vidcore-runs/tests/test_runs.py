from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from vidcore.errors import ConfigError, DataError, RunError
from vidcore.testing import check_plugin
from vidcore_runs import plugin
from vidcore_runs.bootstrap import compare as differ
from vidcore_runs.commands import compare, list_runs, show
from vidcore_runs.ending import Ending, State
from vidcore_runs.grouping import group
from vidcore_runs.records import find_run, find_runs, read_run
from vidcore_runs.showing import times_of

STAMP = "2026-01-02 03:05:05,006"


def text(command, *arguments: object) -> str:
    done = CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_plugin_keeps_the_contract() -> None:
    check_plugin(plugin)


# --- list -------------------------------------------------------------------------------------------------------


def test_runs_are_listed_with_their_best_figure(made, tmp_path: Path) -> None:
    made("small")
    lines = text(list_runs, "--runs", tmp_path / "runs").splitlines()
    assert lines[1].split()[:6] == ["small", "finished", "3/3", "top1", "0.6000", "0"]
    assert lines[1].endswith("2 min 10 s")


def test_runs_are_sorted_chosen_and_found_in_folders_of_folders(made, tmp_path: Path) -> None:
    made("a", top1=(0.1, 0.2, 0.3))
    made("sweep/b", top1=(0.1, 0.2, 0.9), depth=50)
    made("c", top1=())
    runs = ("--runs", tmp_path / "runs")

    def names(*options: str) -> list[str]:
        return [json.loads(line)["name"] for line in text(list_runs, *runs, "--json", *options).splitlines()]

    assert names("--sort", "best") == ["sweep/b", "a", "c"]
    assert names("--reverse") == ["sweep/b", "c", "a"]
    assert names("--where", "model.depth=50") == ["sweep/b"]
    assert names("--where", "model=slow", "--state", "killed") == ["c"]
    assert names("sweep/*") == ["sweep/b"]


def test_a_figure_of_which_less_is_better_is_told_from_what_the_run_took_for_best(made) -> None:
    folder = made("error", top1=(0.9, 0.4, 0.5))
    result = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps({**result, "best": 0.4, "best_step": 20}))
    best = read_run(folder).best
    assert best is not None
    assert (best.value, best.lower) == (0.4, True)


@pytest.mark.parametrize(
    ("log", "state"),
    [
        (f"{STAMP} INFO    stopped by Ctrl-C after step 10; saved\n", State.STOPPED),
        (f"{STAMP} ERROR   the run ends after step 10: no room\n{STAMP} WARNING tired\n", State.FAILED),
        (f"{STAMP} INFO    step 10 of 30\n", State.KILLED),
        (
            f"{STAMP} ERROR   the run ends after step 10: no room\n{STAMP} INFO    x: goes on after step 9 of 30\n",
            State.KILLED,
        ),
    ],
)
def test_an_unfinished_run_tells_how_it_ended(made, log: str, state: State) -> None:
    assert read_run(made("cut", top1=(0.1,), log=log)).ending.state is state


def test_a_run_that_was_told_what_is_wrong_before_its_first_step_has_failed(made) -> None:
    folder = made("wrong", top1=(0.1,))
    (folder / "log.txt").write_text("")
    assert read_run(folder).ending == Ending(State.FAILED, "before the first step")


def test_a_run_whose_lock_is_held_is_running(made, tmp_path: Path) -> None:
    folder = made("going")  # an extended run may have a result
    code = "import sys; from pathlib import Path; from vidcore.engine.run_folder import RunLock\n"
    code += "with RunLock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        ending = read_run(folder).ending
        holder.communicate()
    assert (ending.state, ending.text) == (State.RUNNING, f"in use by process {holder.pid}")
    assert read_run(folder).ending.state is State.FINISHED


def test_torch_is_not_needed_to_list_or_show(made, tmp_path: Path) -> None:
    made("small")
    code = "import sys; from vidcore_runs.commands import list_runs, show\n"
    code += "list_runs(['--runs', sys.argv[1]], standalone_mode=False)\n"
    code += "show(['small', '--runs', sys.argv[1]], standalone_mode=False)\n"
    code += "assert not {'torch', 'numpy', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "runs")], check=True, stdout=subprocess.DEVNULL)


def test_unknown_runs_and_folders_are_told(made, tmp_path: Path) -> None:
    made("small")
    with pytest.raises(RunError, match="no run 'smal' .*did you mean 'small'"):
        find_run("smal", tmp_path / "runs")
    with pytest.raises(RunError, match="no folder .*absent; say where the runs are"):
        list(find_runs(tmp_path / "absent"))
    with pytest.raises(ConfigError, match="--where depth: expected KEY=VALUE"):
        text(list_runs, "--runs", tmp_path / "runs", "--where", "depth")


# --- show -------------------------------------------------------------------------------------------------------


def test_a_run_is_shown_with_times_evaluations_and_bad_videos(made) -> None:
    bad = f"{STAMP} WARNING train.txt:3 replaced: x.mp4: holds no frame\n"
    shown = text(show, made("small", log=bad + bad))
    assert "small: finished, after 30 steps" in shown
    assert "slow, 2 classes" in shown
    assert "batches of 4 x 2" in shown
    assert "fastest 1 in 21.0 s, slowest 2 in 1 min 20 s" in shown
    assert "25% of training spent waiting for data, 75% in steps" in shown
    assert "    2    20  val    0.6000  *\n" in shown
    assert "1 video could not be read:\n  train.txt:3 (replaced): x.mp4: holds no frame" in shown


def test_steps_that_a_kill_undid_count_for_the_run_but_not_for_their_epoch(made) -> None:
    folder = made("killed")
    with (folder / "timings.jsonl").open("a") as file:
        file.write(json.dumps({"step": 30, "epoch": 3, "split": "train", "seconds": 50.0}) + "\n")
    times = times_of(read_run(folder))
    assert times.epochs == {1: 21.0, 2: 80.0, 3: 50.0}
    assert times.training == 21 + 80 + 23 + 50


def test_an_epoch_that_is_not_over_is_not_the_fastest(made) -> None:
    folder = made("going", top1=(0.1, 0.2))
    with (folder / "timings.jsonl").open("a") as file:
        file.write(json.dumps({"step": 25, "epoch": 3, "split": "train", "seconds": 0.5}) + "\n")
    assert sorted(times_of(read_run(folder)).epochs) == [1, 2]


# --- compare ----------------------------------------------------------------------------------------------------


def test_runs_equal_but_for_their_seed_are_one_row_with_mean_and_deviation(made, tmp_path: Path) -> None:
    made("small-0", top1=(0.2, 0.4, 0.5), seed=0)
    made("small-1", top1=(0.2, 0.4, 0.7), seed=1)
    made("large", top1=(0.1, 0.1, 0.8), depth=50)
    picture = tmp_path / "out" / "curves.png"
    names = ("small-1", "large", "small-0")
    shown = text(compare, *names, "--runs", tmp_path / "runs", "-o", picture)
    assert "small      2       3  0.6000 ± 0.1414  0.6000 ± 0.1414" in shown
    assert "small: small-0 (seed 0), small-1 (seed 1)" in shown
    assert [line.split() for line in shown.splitlines() if line.startswith("model.depth")] == [
        ["model.depth", "18", "50"]
    ]
    assert "data.root" not in shown  # decides nothing that is computed
    assert picture.read_bytes().startswith(b"\x89PNG")
    apart = text(compare, *names, "--runs", tmp_path / "runs", "-o", picture, "--each-seed")
    assert [line.split()[0] for line in apart.splitlines()[1:4]] == list(names)


def test_seeds_of_a_sweep_are_called_by_the_rest_of_their_names(made, tmp_path: Path) -> None:
    for seed in (0, 1):
        made(f"sweep/seed={seed},depth=18", seed=seed)
        made(f"sweep/depth=50,seed={seed}", seed=seed, depth=50)
    shown = text(compare, "sweep", "--runs", tmp_path / "runs", "-o", tmp_path / "curves.png")
    assert {line.split()[0] for line in shown.splitlines()[1:3]} == {"sweep/depth=18", "sweep/depth=50"}


def test_a_folder_of_runs_stands_for_all_of_them(made, tmp_path: Path) -> None:
    made("sweep/a", depth=18)
    made("sweep/b", depth=50)
    shown = text(compare, "sweep", "--runs", tmp_path / "runs", "-o", tmp_path / "x.png")
    assert [line.split()[0] for line in shown.splitlines()[1:3]] == ["sweep/a", "sweep/b"]


def groups(*folders: Path):
    return group([read_run(folder) for folder in folders], by_seed=False)


RIGHT = [index % 2 for index in range(100)]


def test_a_large_difference_is_told_from_chance(made) -> None:
    half = [answer if index % 4 < 2 else 1 - answer for index, answer in enumerate(RIGHT)]
    first, other = groups(made("a", answers=half), made("b", answers=RIGHT))
    (found,) = differ(first, other, split="test")
    assert (found.figure, found.difference, found.num_samples) == ("top1", 0.5, 100)
    # a difference of paired zeros and ones: deviation sqrt(0.5 * 0.5 / 100) = 0.05
    assert found.low == pytest.approx(0.5 - 1.96 * 0.05, abs=0.02)
    assert found.high == pytest.approx(0.5 + 1.96 * 0.05, abs=0.02)
    assert found.wins == 1.0


def test_pairs_make_a_difference_surer_than_two_separate_samples_would(made) -> None:
    """Both fail on the same third of the samples, and one on four more: unpaired, the deviation is 0.066."""
    third = [1 - answer if index % 3 == 0 else answer for index, answer in enumerate(RIGHT)]
    more = [1 - answer if index in (1, 2, 4, 5) else answer for index, answer in enumerate(third)]
    first, other = groups(made("a", answers=more), made("b", answers=third))
    (found,) = differ(first, other, split="test")
    assert found.difference == pytest.approx(0.04)
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(0.02, abs=0.005)


def test_a_figure_that_is_no_mean_is_measured_on_halves(made) -> None:
    """Mean class accuracy of a test set of 90 and 10: its deviation is near that of the small class's."""
    metric = '{ type = "mean-class-accuracy" }'
    few = [0 if index % 4 == 3 else answer for index, answer in enumerate(RIGHT)]  # misses half of class 1
    first, other = groups(made("a", answers=few, metric=metric), made("b", answers=RIGHT, metric=metric))
    (found,) = differ(first, other, split="test", draws=200)
    assert found.difference == pytest.approx(0.25)
    # half of the deviation of the recall of 50 samples: sqrt(0.5 * 0.5 / 50) / 2 = 0.035
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(0.035, abs=0.008)


def test_runs_that_answered_other_samples_are_not_compared(made) -> None:
    first, other = groups(made("a", answers=RIGHT), made("b", answers=RIGHT[:60]))
    with pytest.raises(DataError, match="did not answer the same samples: 40 differ"):
        differ(first, other, split="test")


def test_missing_predictions_and_figures_are_told(made, tmp_path: Path) -> None:
    first, other = groups(made("a", answers=RIGHT), made("b", depth=50))
    with pytest.raises(RunError, match="b has no predictions of split 'test'"):
        differ(first, other, split="test")
    with pytest.raises(ConfigError, match="no figure 'top5' in the metrics of all runs; there are: top1"):
        differ(first, first, split="test", figures=("top5",))
    with pytest.raises(ConfigError, match="name another that differs in more than its seed"):
        text(compare, "a", "--runs", tmp_path / "runs", "--bootstrap", "-o", tmp_path / "x.png")


def test_the_bootstrap_is_printed(made, tmp_path: Path) -> None:
    made("a", answers=[0] * 100)
    made("b", answers=RIGHT, depth=50)
    shown = text(compare, "a", "b", "--runs", tmp_path / "runs", "--bootstrap", "-o", tmp_path / "x.png")
    assert "b minus a, on the same 100 samples of test:" in shown
    assert [line for line in shown.splitlines() if line.startswith("top1 ")][-1].endswith("100.0%  differs")


# --- what is broken, or was not meant to be compared -----------------------------------------------------------------


def test_folders_that_cannot_be_read_are_named_and_passed_over(made, tmp_path: Path) -> None:
    made("good")
    (made("cut") / "experiment.toml").write_text("model = [")
    (made("other") / "experiment.toml").write_text("engine = 3")
    lines = text(list_runs, "--runs", tmp_path / "runs").splitlines()
    told = [line for line in lines if line.startswith("passed over: ")]
    assert ["cut/experiment.toml" in told[0], "other/experiment.toml" in told[1], len(told)] == [True, True, 2]
    assert [line.split()[0] for line in lines if line not in told] == ["run", "good"]


def test_rows_and_results_that_no_engine_wrote_do_not_hide_the_others(made, tmp_path: Path) -> None:
    folder = made("odd")
    (folder / "result.json").write_text('{"best": "x", "best_step": null, "best_metric": "top1"}')
    for journal in ("metrics", "timings"):
        with (folder / f"{journal}.jsonl").open("a") as file:
            file.write('{"split": "val", "top1": 0.9}\n{"step": "x"}\n{"step": 1, "epoch": 1, "split": "train"}\n')
    run = read_run(folder)
    assert run.best is not None
    assert (run.best.value, run.seconds) == (0.6, 130.0)
    assert "odd: finished" in text(show, "odd", "--runs", tmp_path / "runs")


def test_links_to_runs_that_are_listed_already_show_none_twice(made, tmp_path: Path) -> None:
    made("real")
    (tmp_path / "runs" / "a-link").symlink_to(tmp_path / "runs")
    (tmp_path / "runs" / "latest").symlink_to(tmp_path / "runs" / "real")
    assert [run.name for run in find_runs(tmp_path / "runs")] == ["real"]


def test_the_best_of_other_figures_is_told_with_its_name(made, tmp_path: Path) -> None:
    made("clips")
    folder = made("boxes", depth=50)
    for name in ("metrics.jsonl", "result.json"):
        (folder / name).write_text((folder / name).read_text().replace("top1", "mAP"))
    runs = ("--runs", tmp_path / "runs", "--output", tmp_path / "compare.png")
    head, first, second, *_ = text(compare, "clips", "boxes", *runs).splitlines()
    assert " best  " in head
    assert "top1 0.6000" in first
    assert "mAP 0.6000" in second
    with pytest.raises(ConfigError, match=r"no run has a figure 'mapp'.*; there are: top1, mAP"):
        text(compare, "clips", "boxes", "--metric", "mapp", *runs)


def test_runs_of_one_seed_count_once(made, tmp_path: Path) -> None:
    for name, seed, top1 in (("a", 0, 0.5), ("a-again", 0, 0.5), ("b", 1, 0.7)):
        made(name, seed=seed, top1=(0.1, 0.2, top1))
    (both,) = group(find_runs(tmp_path / "runs"))
    assert (len(both.runs), both.seeds, both.best) == (3, 2, [0.5, 0.7])
    assert both.figures("test") == {"top1": [0.5, 0.7]}
