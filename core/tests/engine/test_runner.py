"""Whole runs of the toy experiment in this process: what a run leaves, how it goes on, what it refuses."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open
from toy_run import Run, left
from vidcore_engine_toy import config as toy_config
from vidcore_engine_toy import parts as toy_parts
from vidcore_engine_toy.config import CLASSES

from vidcore.engine.events import Events
from vidcore.engine.journal import read_journal
from vidcore.engine.predictions import read_predictions
from vidcore.engine.runner import run
from vidcore.errors import ConfigError, RunError, WeightsError
from vidcore.plugins import hookimpl

pytestmark = pytest.mark.usefixtures("toy_plugin")


def test_a_run_leaves_its_folder(run_toy: Run, tmp_path: Path) -> None:
    result = run_toy()
    folder = tmp_path / "runs" / "toy"
    assert (result.folder, result.state, result.steps, result.split) == (folder, "trained", 8, "val")
    names = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert names >= {
        "experiment.toml",
        "environment.json",
        "log.txt",
        "metrics.jsonl",
        "timings.jsonl",
        "result.json",
        "weights/last.safetensors",
        "weights/best.safetensors",
        "predictions/val.jsonl",
        "predictions/test.jsonl",
        "checkpoints/step-00000008/manifest.json",
    }
    assert len(list((folder / "checkpoints").iterdir())) == 2
    rows = list(read_journal(folder / "metrics.jsonl"))
    assert [(row["split"], row["step"], row["epoch"]) for row in rows][:4] == [
        ("train", 2, 1),
        ("val", 2, 1),
        ("train", 3, 2),
        ("train", 4, 2),
    ]
    assert rows[-1]["split"] == "test"
    assert rows[-1]["top1"] == result.metrics["top1"]
    assert set(rows[0]) == {"step", "epoch", "split", "loss", "top1", "lr", "grad_norm"}
    timings = list(read_journal(folder / "timings.jsonl"))
    assert all(row["seconds"] > 0 and row["memory_bytes"] > 0 for row in timings)
    assert all(row["clips_per_second"] > 0 for row in timings if row["split"] == "train")
    found = read_predictions(folder / "predictions" / "val.jsonl")
    assert len(found.samples) == 10
    assert found.classes == CLASSES


def test_the_log_tells_speed_waiting_memory_gradient_norm_and_the_time_that_is_left(run_toy: Run) -> None:
    lines = re.findall(r"INFO +(step .*)", (run_toy(engine__log_every=1).folder / "log.txt").read_text())
    form = r"step \d of 8, epoch \d: loss .*, lr .*, grad_norm .*; \S+ clips/s, \d+ % of the time waiting for data, "
    assert len(lines) == 8
    assert all(re.fullmatch(form + r"\d\.\d GiB, \d+:\d\d:\d\d left", line) for line in lines), lines
    assert lines[-1].endswith(", 0:00:00 left")


def test_the_weights_carry_their_contract(run_toy: Run) -> None:
    folder = run_toy().folder
    with safe_open(folder / "weights" / "best.safetensors", "pt") as file:
        contract = json.loads(file.metadata()["vidcore"])
    assert contract["classes"] == list(CLASSES)
    assert contract["model"]["type"] == "toy-net"
    assert contract["model"]["num_classes"] == 4
    assert "weights" not in contract["model"]
    assert contract["input"]["sampling"]["type"] == "dense"
    assert "vidcore-engine-toy" in contract["plugins"]


def test_the_resolved_experiment_runs_by_itself_and_gives_the_same_bytes(run_toy: Run, tmp_path: Path) -> None:
    from vidcore.config import load_experiment

    first = run_toy().folder
    experiment = load_experiment(first / "experiment.toml")
    second = run(experiment, runs=tmp_path / "elsewhere", name="other").folder
    assert left(first) == left(second)


def test_a_finished_run_is_found_finished(run_toy: Run) -> None:
    first = run_toy()
    again = run_toy()
    assert again.state == "finished already"
    assert again.metrics == first.metrics


def test_fresh_begins_anew_and_keeps_the_old_folder(run_toy: Run) -> None:
    first = run_toy()
    again = run_toy(fresh=True)
    assert again.state == "trained"
    assert left(again.folder) == left(first.folder.with_name("toy-old-1"))


def test_another_configuration_is_refused_with_the_difference(run_toy: Run) -> None:
    run_toy()
    with pytest.raises(ConfigError, match=r"optimizer.lr: was 0.1, is 0.02"):
        run_toy(optimizer__lr=0.02)


def test_an_option_that_has_come_since_has_its_default(run_toy: Run) -> None:
    """A run that an older version began, whose experiment.toml lacks the option."""
    written = run_toy().folder / "experiment.toml"
    lines = written.read_text().splitlines(keepends=True)
    written.write_text("".join(line for line in lines if not line.startswith("eps")))
    assert len(written.read_text().splitlines()) == len(lines) - 1
    assert run_toy().state == "finished already"
    with pytest.raises(ConfigError, match=r"optimizer.eps: was 1e-08, is 0.1"):
        run_toy(optimizer__eps=0.1)


def test_more_epochs_go_on_from_where_the_run_ended(run_toy: Run) -> None:
    run_toy(schedule={"type": "constant"})
    extended = run_toy(schedule={"type": "constant"}, engine__epochs=6)
    assert extended.steps == 12
    assert any(remark.startswith("extended: engine.epochs was 4, is 6") for remark in extended.remarks)
    whole = run_toy("whole", schedule={"type": "constant"}, engine__epochs=6)
    assert left(extended.folder) == left(whole.folder)
    assert "extended: engine.epochs was 4, is 6" in (extended.folder / "log.txt").read_text()


@pytest.mark.parametrize("step", range(1, 8))
def test_going_on_from_any_step_with_other_workers_gives_the_same_bytes(run_toy: Run, step: int) -> None:
    whole = run_toy("whole", engine__checkpoint__keep=9).folder
    part = whole.with_name("part")
    shutil.copytree(whole, part)
    for path in (part / "checkpoints").iterdir():
        if int(path.name[-8:]) > step:
            shutil.rmtree(path)
    (part / "result.json").unlink()
    if step < 2:
        (part / "weights" / "best.safetensors").unlink()
    run_toy("part", engine__checkpoint__keep=9, data__workers=step % 3)
    assert left(part) == left(whole)


def test_a_damaged_checkpoint_is_told_and_the_one_before_is_used(run_toy: Run) -> None:
    whole = run_toy("whole").folder
    part = whole.with_name("part")
    shutil.copytree(whole, part)
    (part / "result.json").unlink()
    model = part / "checkpoints" / "step-00000008" / "model.safetensors"
    model.write_bytes(model.read_bytes()[:-1] + b"\0")
    result = run_toy("part")
    damaged = (
        "checkpoint step-00000008 is damaged: the content of model.safetensors has changed; the one before is used"
    )
    assert damaged in result.remarks
    assert damaged in (part / "log.txt").read_text()
    shutil.rmtree(part / "checkpoints" / "step-00000008.damaged")
    assert left(part) == left(whole)


def test_callbacks_hear_the_run(run_toy: Run, tmp_path: Path) -> None:
    path = tmp_path / "heard.jsonl"
    run_toy(callbacks={"ear": {"type": "toy-watcher", "path": str(path)}}, engine__epochs=2)
    heard = list(read_journal(path))
    assert [row["event"] for row in heard if row["event"] != "checkpoint_saved"] == [
        "run_started",
        *(["epoch_started", "step_finished", "step_finished", "evaluation_finished", "epoch_finished"] * 2),
        "evaluation_finished",
        "run_finished",
    ]
    assert all(row.get("there", True) for row in heard)
    assert [row["step"] for row in heard if row["event"] == "checkpoint_saved"] == [1, 2, 3, 4]


def test_a_callback_that_fails_is_told_at_the_end(run_toy: Run) -> None:
    result = run_toy(callbacks={"ear": {"type": "toy-watcher", "fail_at": "epoch_started"}})
    assert "callback 'ear' failed 4 times" in result.remarks


def test_a_slow_callback_is_named_once_after_the_first_epoch_and_at_the_end(
    run_toy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "callback 'ear' took 30.0 s, 30% of the run"
    monkeypatch.setattr(Events, "slow", lambda self, seconds: [told] * bool(self.seconds["ear"] and seconds))
    result = run_toy(callbacks={"ear": {"type": "toy-watcher"}})
    assert told in result.remarks
    log = (result.folder / "log.txt").read_text()
    assert log.count(told) == 2
    assert log.index(f"so far, {told}") < log.index("epoch 2")


def test_a_callback_that_cannot_be_made_is_named(run_toy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object, config: object) -> None:
        raise OSError("no such host")

    monkeypatch.setattr(toy_parts.ToyWatcher, "__init__", refuse)
    with pytest.raises(ConfigError, match=r"callbacks.ear cannot be made: OSError: no such host"):
        run_toy(callbacks={"ear": {"type": "toy-watcher"}})


def test_a_callback_may_have_any_name(run_toy: Run, tmp_path: Path) -> None:
    path = tmp_path / "heard.jsonl"
    run_toy(progress=toy_parts.ToyWatcher(toy_config.ToyWatcher()), callbacks={
        "progress": {"type": "toy-watcher", "path": str(path)}
    })  # fmt: skip
    assert [row["event"] for row in read_journal(path)][-1] == "run_finished"


def test_one_that_ends_the_run_before_its_first_step_stands_in_the_log(run_toy: Run, tmp_path: Path) -> None:
    class Boss:
        may_stop_run = True

        @hookimpl
        def run_started(self) -> None:
            raise ValueError("not today")

    with pytest.raises(RunError, match="failed at run_started: ValueError: not today"):
        run_toy(progress=Boss())
    assert "the run ends after step 0: callback" in (tmp_path / "runs" / "toy" / "log.txt").read_text()


def test_times_are_those_of_steps_and_what_is_left_forgets_the_first(run_toy: Run) -> None:
    class Slow:
        taken: list[float] = []  # noqa: RUF012 - of one test

        @hookimpl
        def step_finished(self, step: int, values: dict[str, float]) -> None:
            self.taken.append(values["seconds"])
            time.sleep(2.0 if step == 1 else 0.0)

    folder = run_toy(progress=Slow()).folder
    train = [row for row in read_journal(folder / "timings.jsonl") if row["split"] == "train"]
    assert [row["step"] for row in train] == [2, 3, 4, 6, 8]
    ends = [0, *(row["step"] for row in train)]
    for row, first, last in zip(train, ends[:-1], ends[1:], strict=True):
        assert row["seconds"] == pytest.approx(sum(Slow.taken[first:last]))
        assert row["data_seconds"] <= row["seconds"]
        assert row["clips_per_second"] * row["seconds"] == pytest.approx(8 * (last - first))
    left_at_2 = re.search(r"step 2 of 8.* 0:00:(\d\d) left", (folder / "log.txt").read_text())
    assert left_at_2 is not None
    assert int(left_at_2[1]) < 4  # with the first step it would be 6


def test_a_callback_may_end_training_early(run_toy: Run) -> None:
    result = run_toy(callbacks={"brake": {"type": "toy-brake", "after_epoch": 2}})
    assert result.steps == 4
    assert "ended early: callback 'brake': good enough" in result.remarks
    assert run_toy(callbacks={"brake": {"type": "toy-brake", "after_epoch": 2}}).state == "finished already"


def test_an_unknown_best_figure_is_told_before_training(run_toy: Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no metric gives 'topp1'; did you mean 'top1'\?; there are: top1, top2"):
        run_toy(engine__checkpoint__best="topp1")
    assert not (tmp_path / "runs" / "toy" / "checkpoints").exists()


def test_bad_samples_are_skipped_and_counted(run_toy: Run) -> None:
    result = run_toy(data__train__bad=[3])
    assert result.bad_steps > 0
    assert any("steps were skipped" in remark for remark in result.remarks)
    assert "clip3.mp4" in (result.folder / "log.txt").read_text()


def test_several_views_give_one_prediction_and_any_chunk_the_same_figures(run_toy: Run) -> None:
    found = {}
    for size in (1, 2, 64):
        folder = run_toy(
            f"by-{size}", engine__epochs=1, data__val__views_a_sample=3, data__val__views__max_per_forward=size
        ).folder
        found[size] = read_predictions(folder / "predictions" / "val.jsonl").samples
    assert len(found[1]) == 10
    for size in (2, 64):
        for (a, _), (b, _) in zip(found[1], found[size], strict=True):
            assert a.outputs["scores"].numpy() == pytest.approx(b.outputs["scores"].numpy(), abs=1e-6)


def test_a_batch_larger_than_the_data_is_told(run_toy: Run) -> None:
    result = run_toy(data__train__samples=3)
    assert result.steps == 4
    assert "data.train has 3 samples, fewer than the 8 of a step: every epoch is one short step" in result.remarks


def test_one_sample_is_enough(run_toy: Run) -> None:
    result = run_toy(data__train__samples=1, data__val__samples=1)
    assert (result.steps, result.bad_steps) == (4, 0)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"engine__freeze": ["*"]}, "engine.freeze: none of the 6 parameters is left to train"),
        ({"engine__device": "cuda:77"}, "engine.device: there is no 'cuda:77' here; this machine has: cpu"),
        ({"model__num_classes": 3}, "model.num_classes: 3, but data.train has 4 classes"),
    ],
)
def test_what_cannot_be_trained_is_told_before_training(
    run_toy: Run, tmp_path: Path, overrides: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        run_toy(**overrides)
    assert not (tmp_path / "runs" / "toy" / "checkpoints").exists()


def test_weights_of_another_network_are_told_key_by_key(run_toy: Run) -> None:
    first = str(run_toy("first", engine__epochs=1).folder / "weights" / "last.safetensors")
    with pytest.raises(WeightsError) as caught:
        run_toy("wider", model__weights=first, model__width=9, model__norm=False)
    for told in ("unexpected (5): backbone.1.", "backbone.0.weight (file [8, 3, 3, 3, 3], model [9, 3, 3, 3, 3])"):
        assert told in str(caught.value)


def test_other_classes_than_those_that_a_run_began_with_are_told(run_toy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    first = str(run_toy(engine__epochs=1).folder / "weights" / "last.safetensors")
    for module in (toy_config, toy_parts):
        monkeypatch.setattr(module, "CLASSES", CLASSES[:3])
    with pytest.raises(ConfigError, match="model.num_classes: was 4, is 3"):
        run_toy(engine__epochs=2)
    with pytest.raises(WeightsError, match=r'only the head differs: strict = "backbone" loads the rest'):
        run_toy("three", model__weights=first)
    assert run_toy("three", fresh=True, model__weights=first, model__strict="backbone").steps == 8


def test_a_run_does_not_go_on_with_other_data(run_toy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = run_toy(engine__epochs=1).folder
    before = left(folder)
    with monkeypatch.context() as fewer:
        fewer.setattr(toy_parts.ToyClips, "__len__", lambda self: 14)
        with pytest.raises(ConfigError, match=r"(?s)begun with other data:\n  samples of data.train: was 22, is 14\n"):
            run_toy(engine__epochs=2)
    with monkeypatch.context() as swapped:
        for module in (toy_config, toy_parts):
            swapped.setattr(module, "CLASSES", ("down", "up", "left", "right"))
        with pytest.raises(ConfigError, match=r"(?s)class 0: was up, is down\n  class 1: was down, is up\nPut it back"):
            run_toy(engine__epochs=2)
    assert left(folder) == before
    assert run_toy(engine__epochs=2).steps == 4


def test_a_run_that_a_callback_ended_does_not_go_on_after_a_kill(run_toy: Run) -> None:
    ended = {"brake": {"type": "toy-brake", "after_epoch": 2, "remember": True}}
    whole = run_toy(callbacks=ended).folder
    before = left(whole)
    (whole / "result.json").unlink()
    assert run_toy(callbacks=ended).steps == 4
    assert left(whole) == before


def test_a_taken_folder_is_told(run_toy: Run, tmp_path: Path) -> None:
    from vidcore.engine.run_folder import RunLock

    with RunLock(tmp_path / "runs" / "toy"), pytest.raises(RunError, match="in use"):
        run_toy()


@pytest.mark.parametrize("name", ["a/b", "..", ""])
def test_a_name_that_is_no_folder_name_is_told(run_toy: Run, name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a run folder"):
        run_toy(name or "x/")


def test_weights_to_start_from_are_read_once(run_toy: Run, tmp_path: Path) -> None:
    first = run_toy("first", engine__epochs=1).folder / "weights" / "last.safetensors"
    start = shutil.copy(first, tmp_path / "start.safetensors")
    second = run_toy("second", model__weights=str(start), engine__epochs=1)
    assert "tensors fit" in (second.folder / "log.txt").read_text()
    assert left(second.folder) != left(first.parents[1])
    Path(start).unlink()
    (second.folder / "result.json").unlink()
    run_toy("second", model__weights=str(start), engine__epochs=1)


def splits(folder: Path) -> list[tuple[str, int]]:
    return [(row["split"], row["epoch"]) for row in read_journal(folder / "metrics.jsonl") if row["split"] != "train"]


def test_evaluation_begins_and_repeats_where_the_experiment_says_so(run_toy: Run) -> None:
    folder = run_toy(engine__evaluate={"start": 2, "every": 5, "final": "last"}, engine__epochs=3).folder
    assert splits(folder) == [("val", 2), ("val", 3), ("test", 3)]


def test_the_last_evaluation_can_be_left_out(run_toy: Run) -> None:
    result = run_toy(engine__evaluate__final="none", engine__epochs=1)
    assert splits(result.folder) == [("val", 1)]
    assert (result.split, result.metrics) == ("", {})


def test_the_test_split_is_what_is_measured_at_the_end(run_toy: Run) -> None:
    test = {"type": "toy-clips", "samples": 3, "sampling": "dense"}
    result = run_toy(data__test=test, engine__epochs=1)
    assert result.split == "test"
    assert len(read_predictions(result.folder / "predictions" / "test.jsonl").samples) == 3


def test_checkpoints_are_as_rare_as_the_experiment_says(run_toy: Run) -> None:
    folder = run_toy(engine__checkpoint={"every": 3, "keep": 9, "every_steps": 1000}).folder
    assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == ["step-00000006", "step-00000008"]


def test_a_figure_may_be_the_better_the_smaller_it_is(run_toy: Run) -> None:
    result = run_toy(metrics__accuracy__error_first=True)
    errors = [row["error"] for row in read_journal(result.folder / "metrics.jsonl") if row["split"] == "val"]
    assert (result.best_metric, result.best) == ("error", min(errors))
    assert errors[0] > min(errors)


def test_half_precision_goes_on_with_its_scaler(run_toy: Run) -> None:
    whole = run_toy("whole", engine__precision="fp16", engine__checkpoint__keep=9).folder
    part = whole.with_name("part")
    shutil.copytree(whole, part)
    for step in (6, 7, 8):
        shutil.rmtree(part / "checkpoints" / f"step-{step:08d}")
    (part / "result.json").unlink()
    run_toy("part", engine__precision="fp16", engine__checkpoint__keep=9)
    assert left(part) == left(whole)
    state = json.loads((whole / "checkpoints" / "step-00000008" / "state.json").read_text())
    assert state["scaler"]["scale"] > 1


def test_options_of_the_engine_reach_the_loop(run_toy: Run) -> None:
    def weights(name: str, **options: Any) -> dict[str, Any]:
        folder = run_toy(name, engine__ema__decay=1e-9, **options).folder
        with safe_open(folder / "weights" / "last.safetensors", "pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no dict

    one, two = (weights(f"{epochs}", engine__freeze=["backbone"], engine__epochs=epochs) for epochs in (1, 2))
    assert all(one[name].equal(two[name]) for name in one if name.startswith("backbone"))
    assert not one["head.weight"].equal(two["head.weight"])
    still = weights("still", engine__frozen_norm=True, engine__epochs=1)
    assert still["backbone.1.running_mean"].equal(still["backbone.1.running_mean"] * 0)


def test_the_learning_rate_is_that_of_the_batch(run_toy: Run) -> None:
    folder = run_toy(engine__auto_scale_lr=32, engine__deterministic=True, schedule="constant", engine__epochs=1).folder
    assert next(read_journal(folder / "metrics.jsonl"))["lr"] == 0.1 * 8 / 32


def test_without_metrics_predictions_are_written_and_that_is_said(run_toy: Run, tmp_path: Path) -> None:
    run_toy("with", engine__epochs=1)
    text = (tmp_path / "toy.toml").read_text()
    (tmp_path / "toy.toml").write_text(text[: text.index("[metrics.accuracy]")])
    result = run_toy("without", engine__epochs=1)
    assert result.metrics == {}
    assert any("nothing is measured" in remark for remark in result.remarks)
    assert (result.folder / "predictions" / "val.jsonl").exists()


def test_what_a_kill_left_half_written_is_removed(run_toy: Run) -> None:
    folder = run_toy(engine__epochs=1).folder
    for name in ("weights/.last.safetensors.123.tmp", "predictions/val.jsonl.tmp"):
        (folder / name).touch()
    (folder / "result.json").unlink()
    run_toy(engine__epochs=1)
    assert not list(folder.rglob("*.tmp"))


def test_a_broken_result_is_made_again(run_toy: Run) -> None:
    first = run_toy()
    (first.folder / "result.json").write_text("{")
    before = left(run_toy("other").folder)
    assert run_toy().state == "trained"
    assert left(first.folder) == before


def test_fresh_does_not_rename_what_is_no_run(run_toy: Run, tmp_path: Path) -> None:
    thesis = tmp_path / "runs" / "thesis"
    thesis.mkdir(parents=True)
    (thesis / "thesis.tex").touch()
    with pytest.raises(RunError, match="is no run folder"):
        run_toy("thesis", fresh=True)
    assert [path.name for path in thesis.iterdir()] == ["thesis.tex"]
