from __future__ import annotations

from pathlib import Path

import pytest

from vidcore.config import dumps, load, load_experiment, to_table
from vidcore.config.layers import parse_set
from vidcore.errors import ConfigError

PRECISIONS = '"auto", "fp32", "tf32", "bf16", "fp16"'
GOOD = """
[task]
type = "made-task"
[model]
type = "made-net"
[data.train]
type = "made-list"
list = "train.txt"
classes = ["run", "jump", "sit"]
"""


def problems(tmp_path: Path, text: str, *sets: str) -> list[str]:
    """The lines of the error that loading `text` as exp.toml gives, folders removed."""
    file = tmp_path / "exp.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file, sets=sets)
    return [line.replace(f"{tmp_path}/", "") for line in str(caught.value).splitlines()]


def loaded(tmp_path: Path, text: str, *sets: str):  # type: ignore[no-untyped-def]
    file = tmp_path / "exp.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, sets=sets)


def test_every_mistake_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    text = """sed = 3
seed = 8.5
[task]
type = "made-task"
label_smoothing = 1.5
[model]
type = "made-net"
alpha = true
depth = 49
dropout = "8"
shift = 3
widths = [64, "128"]
lateral = 1
[data.train]
type = "made-list"
listt = "train.txt"
batch_size = 0
[data.train.transforms.crop]
type = "made-crop"
size = [224]
[engine]
epochs = 8.0
precision = "bf61"
[metrics.top]
type = "made-topkk"
[metrics.other]
k = [1]
"""
    assert problems(tmp_path, text) == [
        "exp.toml:1:1: unknown key 'sed'; did you mean 'seed'?",
        "exp.toml:2:8: seed: expected an integer, got 8.5",
        "exp.toml:5:19: task.label_smoothing: 'label_smoothing' must be < 1.0: 1.5",
        "exp.toml:8:9: model.alpha: expected an integer, got true",
        "exp.toml:9:9: model.depth: 49 is not one of 50, 101",
        'exp.toml:10:11: model.dropout: expected a number, got "8"',
        "exp.toml:11:1: model: unknown key 'shift' of model 'made-net'; it is a key of model 'made-shift'",
        'exp.toml:12:15: model.widths.1: expected an integer, got "128"',
        "exp.toml:13:11: model.lateral: expected true or false, got 1",
        "exp.toml:14:7: data.train: missing key 'list' of dataset 'made-list', a string",
        "exp.toml:16:1: data.train: unknown key 'listt' of dataset 'made-list'; did you mean 'list'?",
        "exp.toml:17:14: data.train.batch_size: 'batch_size' must be >= 1: 0",
        "exp.toml:20:8: data.train.transforms.crop.size: expected 2 values, got 1",
        "exp.toml:22:10: engine.epochs: expected an integer, got 8.0",
        'exp.toml:23:13: engine.precision: "bf61" is not one of ' + PRECISIONS + "; did you mean 'bf16'?",
        "exp.toml:25:8: metrics.top.type: no metric named 'made-topkk'; did you mean 'made-topk'?",
        "exp.toml:26:10: metrics.other: `type` is missing; one of: " + ", ".join(metric_names()),
    ]


def metric_names() -> list[str]:
    from vidcore.plugins import host

    return host().components.names("metric")


def test_numbers_that_are_none_are_told(tmp_path: Path) -> None:
    for value in ("inf", "-inf", "nan", "1e400", "1" + "0" * 400):
        (line,) = problems(tmp_path, f"{GOOD}\n[optimizer]\nlr = {value}\n")
        assert line.startswith("exp.toml:12:6: optimizer.lr: expected a number, got ")


def test_a_limit_for_gradients_needs_a_number(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, f"{GOOD}\n[engine]\nclip_grad = {{}}\n")
    assert "engine.clip_grad: give norm or value" in line


def test_missing_tables_are_told(tmp_path: Path) -> None:
    assert problems(tmp_path, "seed = 1") == [
        "exp.toml:1:1: missing key 'task', a task",
        "exp.toml:1:1: missing key 'model', a model",
    ]


def test_broken_toml_is_told_with_its_place(tmp_path: Path) -> None:
    assert problems(tmp_path, "seed = 1\nepochs = = 3") == ["exp.toml:2:10: Invalid value"]
    (line,) = problems(tmp_path, "seed = [1,\n")
    assert line.startswith("exp.toml:2:1: ")


def test_a_missing_file_or_recipe_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml: cannot be read: No such file"):
        load(tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match="no recipe named 'made-net-5'; did you mean 'made-net-50'"):
        load("made-net-5")


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "exp.toml"
    file.write_bytes(b"seed = \xff")
    with pytest.raises(ConfigError, match=r"is not UTF-8 text \(invalid start byte at byte 7\)"):
        load(file)


def test_the_other_mistakes_are_told_beside_a_missing_parent(tmp_path: Path) -> None:
    text = 'extends = "made-net-5"\nunset = ["engine.clip_grad"]\nseed = "0"\n[model]\ntype = "made-nett"\n'
    parent, *others = problems(tmp_path, text)
    assert parent.startswith("exp.toml:1:11: extends: no recipe named 'made-net-5'")
    assert others == [
        'exp.toml:3:8: seed: expected an integer, got "0"',
        "exp.toml:5:8: model.type: no model named 'made-nett'; did you mean 'made-net'?",
    ]


def test_several_bad_sets_are_told_at_once(tmp_path: Path) -> None:
    told = problems(tmp_path, 'extends = "made-net-50"', "seed", "engine.epochs=[", "engine.epoch=3")
    assert told == [
        "--set:1:1: Invalid value (in --set engine.epochs=[; the value must be TOML, strings in quotes)",
        "--set:1:8: engine: unknown key 'epoch'; did you mean 'epochs'?",
        "--set seed: expected KEY=VALUE, such as --set engine.epochs=3",
    ]


def test_a_missing_parent_is_told_where_it_is_named(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, 'extends = "made-net-5"')
    assert line.startswith("exp.toml:1:11: extends: no recipe named 'made-net-5'; did you mean 'made-net-50'?")
    (line,) = problems(tmp_path, 'extends = "absent.toml"')
    assert line == "exp.toml:1:11: extends: absent.toml: cannot be read: No such file or directory"


def test_nothing_extends_what_extends(tmp_path: Path) -> None:
    (tmp_path / "parent.toml").write_text('extends = "made-net-50"', encoding="utf-8")
    (line,) = problems(tmp_path, 'extends = "parent.toml"')
    assert line.endswith("extends another file itself; an experiment extends one, nothing goes deeper")


def test_set_is_parsed_as_toml_and_checked_like_a_file(tmp_path: Path) -> None:
    loaded_ = loaded(tmp_path, GOOD, "engine.epochs=7", "model.widths=[8, 16]", "name=short")
    assert loaded_.experiment.engine.epochs == 7
    assert loaded_.experiment.model.widths == (8, 16)
    assert loaded_.name == "short"
    assert problems(tmp_path, GOOD, "engine.epoch=7", "model.depth=7") == [
        "--set:1:8: engine: unknown key 'epoch'; did you mean 'epochs'?",
        "--set:1:15: model.depth: 7 is not one of 50, 101",
    ]
    (line,) = problems(tmp_path, GOOD, "engine.epochs")
    assert line == "--set engine.epochs: expected KEY=VALUE, such as --set engine.epochs=3"
    (line,) = problems(tmp_path, GOOD, "name=a b")
    assert "in --set name=a b; the value must be TOML, strings in quotes" in line


def test_options_of_a_default_component_need_no_type(tmp_path: Path) -> None:
    optimizer = loaded(tmp_path, GOOD, "optimizer.lr=0.5").experiment.optimizer
    assert to_table(optimizer)["type"] == "adamw" and optimizer.lr == 0.5


def test_extending_merges_tables_and_replaces_arrays(tmp_path: Path) -> None:
    text = """
extends = "made-net-50"
unset = ["engine.clip_grad"]
[model]
widths = [1]
[data.train]
classes = ["only"]
[data.train.transforms.flip]
remove = true
"""
    experiment = loaded(tmp_path, text).experiment
    assert experiment.data.train.classes == ("only",)
    assert experiment.data.train.list == "train.txt"
    assert list(experiment.data.train.transforms) == ["crop"]
    assert experiment.engine.clip_grad is None
    assert experiment.engine.epochs == 3
    assert experiment.model.widths == (1,)


def test_another_type_drops_the_keys_of_the_old_one(tmp_path: Path) -> None:
    text = """
extends = "made-net-101"
[model]
type = "made-shift"
num_classes = 2
[data.train]
type = "made-folder"
folder = "videos"
"""
    experiment = loaded(tmp_path, text).experiment
    assert experiment.model.shift == 8
    # how clips are made does not depend on whose videos they are
    assert experiment.data.train.batch_size == 4
    assert experiment.data.train.sampling.num_frames == 32


def test_unset_and_remove_of_what_is_not_there_are_told(tmp_path: Path) -> None:
    text = """extends = "made-net-50"
unset = ["engine.clip_gradd"]
[data.train.transforms.flop]
remove = true
"""
    told = "'engine.clip_gradd' is not set by what this file extends; did you mean 'engine.clip_grad'?"
    assert problems(tmp_path, text) == [
        f"exp.toml:2:9: unset: {told}",
        "exp.toml:4:10: data.train.transforms.flop.remove: there is no 'flop' to remove here; did you mean 'flip'?",
    ]


def test_a_variant_is_a_recipe_and_its_mistakes_are_found_in_the_recipe_file(parts: Path) -> None:
    assert load_experiment("made-net-101").model.depth == 101
    assert load_experiment("other:net_50").model.depth == 50
    recipe = parts / "vidcore_made_parts/recipes/made-net.toml"
    recipe.write_text(recipe.read_text(encoding="utf-8").replace("= 101", "= 102"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"made-net\.toml:25:15: model\.depth: 102 is not one of 50, 101"):
        load_experiment("made-net-101")


def test_overrides_from_python_are_checked() -> None:
    assert load_experiment("made-net-50", {"engine.epochs": 9}).engine.epochs == 9
    with pytest.raises(ConfigError, match=r"^overrides: engine: unknown key 'epoch'; did you mean 'epochs'"):
        load_experiment("made-net-50", {"engine.epoch": 9})


def test_the_class_count_comes_from_the_data(tmp_path: Path) -> None:
    assert loaded(tmp_path, GOOD).experiment.model.num_classes == 3
    assert problems(tmp_path, GOOD, "model.num_classes=4") == [
        "--set:1:21: model.num_classes: 4, but data.train has 3 classes; leave it out to take the number from the data"
    ]


def test_splits_with_other_classes_are_told(tmp_path: Path) -> None:
    val = '[data.val]\ntype = "made-list"\nlist = "val.txt"\nclasses = ["run", "leap", "sit"]\n'
    assert problems(tmp_path, GOOD + val) == [
        "exp.toml:10:7: data.val: its class 1 is 'leap', that of data.train is 'jump'"
    ]


def test_a_clip_that_does_not_fit_the_model_is_told(tmp_path: Path) -> None:
    text = GOOD + '[data.train.sampling]\ntype = "made-dense"\nnum_frames = 12\n'
    assert problems(tmp_path, text) == [
        "exp.toml:6:7: data.train: does not fit the model: a clip has 12 frames, which alpha = 8 does not divide"
    ]


def test_the_resolved_experiment_runs_by_itself(tmp_path: Path) -> None:
    first = loaded(tmp_path, 'extends = "made-net-101"\n[data]\nroot = "videos"\n').experiment
    again = loaded(tmp_path, dumps(to_table(first))).experiment
    assert again == first
    assert again.model.num_classes == 2
    assert Path(again.data.root) == tmp_path / "videos"


def test_data_is_found_beside_the_file_or_under_vidcore_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "videos").mkdir(parents=True)
    monkeypatch.setenv("VIDCORE_DATA", str(elsewhere))
    text = GOOD + '[data]\nroot = "videos"\n'
    assert Path(loaded(tmp_path, text).experiment.data.root) == elsewhere / "videos"
    (tmp_path / "videos").mkdir()
    assert Path(loaded(tmp_path, text).experiment.data.root) == tmp_path / "videos"


@pytest.mark.parametrize("value", ["k400", "/data/k400", "~/data", "../data", "./a-b_c.d", "https://host:80/x"])
def test_a_word_or_path_needs_no_quotes(value: str) -> None:
    assert parse_set(f"data.root={value}").table == {"data": {"root": value}}
    assert parse_set("lr=-0.5").table == {"lr": -0.5}
