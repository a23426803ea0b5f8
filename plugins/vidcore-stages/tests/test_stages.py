"""Several experiments in one file."""

from __future__ import annotations

import json
from pathlib import Path

from stage_files import STAGES, Vidcore

from vidcore.config import load_experiment


def _change(file: Path, old: str, new: str) -> None:
    assert old in STAGES
    file.write_text(file.read_text().replace(old, new))


def _flat(text: str) -> str:
    return " ".join(text.split())


def test_stages_run_in_the_order_of_what_they_read(file: Path, vidcore: Vidcore, tmp_path: Path) -> None:
    said = vidcore("run", file)
    assert said.index("1 of 3: first") < said.index("2 of 3: second") < said.index("3 of 3: scores")
    stages = tmp_path / "runs" / "two-steps" / "stages"
    begun_from = (stages / "second" / "experiment.toml").read_text()
    assert str(stages / "first" / "weights" / "best.safetensors") in begun_from
    assert len((stages / "scores" / "val.jsonl").read_text().splitlines()) >= 12
    assert json.loads((stages / "second" / "result.json").read_text())["epochs"] == 2
    assert json.loads((stages / "first" / "result.json").read_text())["epochs"] == 1


def test_finished_stages_are_not_run_again(file: Path, vidcore: Vidcore, tmp_path: Path) -> None:
    vidcore("run", file)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/two-steps/stages/*/*.json*")}
    again = vidcore("run", file)
    assert "stage scores is finished" in _flat(again)
    changed = [path for path, when in written.items() if path.stat().st_mtime_ns != when and path.name != "inputs.json"]
    assert changed == []


def test_a_stage_in_the_midst_goes_on(file: Path, vidcore: Vidcore, tmp_path: Path) -> None:
    vidcore("run", file)
    stages = tmp_path / "runs" / "two-steps" / "stages"
    wanted = {name: (stages / "scores" / name).read_bytes() for name in ("train.jsonl", "val.jsonl")}
    (stages / "scores" / "stage.json").unlink()  # as if killed between its two files
    (stages / "scores" / "val.jsonl").unlink()
    assert "begun" in vidcore("stages", file)
    vidcore("run", file)
    assert {name: (stages / "scores" / name).read_bytes() for name in wanted} == wanted


def test_from_runs_a_stage_and_what_reads_it_anew(file: Path, vidcore: Vidcore, tmp_path: Path) -> None:
    vidcore("run", file)
    said = vidcore("run", file, "--from", "second", "--set", "stage.second.engine.epochs=1")
    stages = tmp_path / "runs" / "two-steps" / "stages"
    kept = sorted(path.name for path in stages.iterdir())
    assert kept == ["first", "scores", "scores-old-1", "second", "second-old-1"]
    assert "finished already" in _flat(said) or "is finished" in _flat(said)
    assert json.loads((stages / "second" / "result.json").read_text())["epochs"] == 1


def test_what_was_made_of_something_else_is_told(file: Path, vidcore: Vidcore) -> None:
    vidcore("run", file)
    stale = vidcore("run", file, "--set", "stage.second.engine.epochs=3", expect=2)  # goes further, and changes weights
    assert "stage 'scores' was made of another second than there is now. `--from scores`" in _flat(stale)


def test_changed_options_of_a_finished_stage_are_told(file: Path, vidcore: Vidcore) -> None:
    vidcore("run", file)
    _change(file, 'splits = ["train", "val"]', 'splits = ["val"]')
    changed = vidcore("run", file, expect=2)
    assert "stage 'scores' was run with other options: splits was ['train', 'val'], is ['val']" in _flat(changed)


def test_file_and_stage_stand_for_one_experiment(file: Path, vidcore: Vidcore) -> None:
    second = load_experiment(f"{file}#second")
    assert (second.engine.epochs, second.model.width) == (2, 4)
    assert "good" in vidcore("config", "check", f"{file}#first")
    assert "good (stages first, second, scores)" in vidcore("config", "check", file)
    assert "choose one of its stages" in _flat(vidcore("test", file, "--weights", "any", expect=2))
    unknown = vidcore("config", "check", f"{file}#frist", expect=2)
    assert "there is no stage 'frist' in it; did you mean 'first'?" in _flat(unknown)


def test_all_mistakes_are_told_at_once(file: Path, vidcore: Vidcore) -> None:
    _change(file, "epochs = 2", "epochs = 2\nepoch = 3")
    _change(file, 'splits = ["train", "val"]', 'split = ["train"]')
    said, lines = _flat(vidcore("config", "check", file, expect=2)), file.read_text().splitlines()
    assert f"{file}:{lines.index('epoch = 3') + 1}:1: engine: unknown key 'epoch'" in said
    misspelt = lines.index('split = ["train"]') + 1
    assert f"{file}:{misspelt}:1: stage.scores: unknown key 'split' of stage 'predict'; did you mean 'splits'?" in said


def test_references_are_checked_before_anything_runs(file: Path, vidcore: Vidcore, tmp_path: Path) -> None:
    _change(file, "stage:first/best", "stage:first/bset")
    said = _flat(vidcore("run", file, expect=2))
    assert "model.weights: stage 'first' (type train) writes no 'bset'; it writes best, last, predictions" in said
    _change(file, "stage:second", "stage:scnd")
    assert "stage 'scnd'; did you mean 'second'?" in _flat(vidcore("run", file, expect=2))
    assert not (tmp_path / "runs").exists()


def test_stages_that_wait_for_each_other(file: Path, vidcore: Vidcore) -> None:
    _change(file, "[stage.first]", '[stage.first.model]\nweights = "stage:second/best"\n\n[stage.first]')
    assert "stages wait for each other: " in _flat(vidcore("run", file, expect=2))


def test_an_unknown_type(file: Path, vidcore: Vidcore) -> None:
    _change(file, 'type = "predict"', 'type = "predcit"')
    assert "did you mean 'predict'?" in _flat(vidcore("config", "check", file, expect=2))


def test_fresh_keeps_the_earlier_run(file: Path, vidcore: Vidcore, tmp_path: Path) -> None:
    vidcore("run", file)
    vidcore("run", file, "--fresh")
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["two-steps", "two-steps-old-1"]


def test_a_run_without_stages_has_no_from(file: Path, vidcore: Vidcore) -> None:
    assert "has no stages" in _flat(vidcore("run", f"{file}#first", "--from", "second", expect=2))
    assert "a run without stages" in _flat(_after_plain_run(file, vidcore))


def _after_plain_run(file: Path, vidcore: Vidcore) -> str:
    vidcore("run", f"{file}#first", "--name", "two-steps")
    return vidcore("run", file, expect=1)


def test_callbacks_hear_of_every_stage_that_is_not_finished(file: Path, vidcore: Vidcore, tmp_path: Path) -> None:
    heard = tmp_path / "heard.jsonl"
    file.write_text(f'callbacks.ear = {{ type = "toy-watcher", path = "{heard}" }}\n{file.read_text()}')
    vidcore("run", file)
    rows = [json.loads(line) for line in heard.read_text().splitlines()]
    told = [(row["event"], row.get("stage")) for row in rows if row["event"].partition("_")[0] in ("stage", "run")]
    runs = [("run_started", None), ("run_finished", None)]
    assert told == [
        ("stage_started", "first"), *runs, ("stage_finished", "first"),
        ("stage_started", "second"), *runs, ("stage_finished", "second"),
        ("stage_started", "scores"), ("stage_finished", "scores"),
    ]  # fmt: skip
    assert [row["type"] for row in rows if row["event"] == "stage_started"] == ["train", "train", "predict"]
    assert all(row["there"] for row in rows if row["event"] == "stage_finished")
    heard.unlink()
    vidcore("run", file)
    assert not heard.exists()


def test_a_callback_of_stages_that_fails_is_named_and_one_that_may_stop_does(file: Path, vidcore: Vidcore) -> None:
    ear = 'callbacks.ear = { type = "toy-watcher", fail_at = "stage_started" }\n'
    file.write_text(ear + file.read_text())
    assert "callback 'ear' failed 3 times" in vidcore("run", file)
    misspelt = file.read_text().replace("toy-watcher", "toy-wacher")
    file.write_text(misspelt)
    assert "did you mean 'toy-watcher'?" in _flat(vidcore("run", file, expect=2))
