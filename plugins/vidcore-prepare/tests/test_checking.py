"""`vidcore data check` on an experiment over real files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from vidcore.cli.main import cli
from vidcore.plugins import host
from vidcore.testing.made_plugins import write_plugin
from vidcore.testing.made_videos import MadeVideo, h264
from vidcore_prepare.checking import other_classes

PLUGIN = {
    "plugin.py": """
        from vidcore.plugins import Component, hookimpl
        api = 1
        @hookimpl
        def vidcore_components():
            return [Component(kind=kind, name="nothing", summary="made", config=f"vidcore_nothing.config:{cls}",
                              factory=f"vidcore_nothing.config:{factory}")
                    for kind, cls, factory in (("task", "T", "T"), ("model", "M", "M"), ("decoder", "D", "Killed"))]
        """,
    "config.py": """
        from attrs import frozen
        from vidcore.config import ModelConfig
        @frozen(kw_only=True)
        class T:
            '''No task.'''
        @frozen(kw_only=True)
        class M(ModelConfig):
            '''No model.'''
        @frozen(kw_only=True)
        class D:
            '''A decoder that a file named kill ends, with its process.'''
        class Killed:
            def __init__(self, config):
                from vidcore.data.video.config import PyAVConfig
                from vidcore.plugins import build
                self.decoder = build(PyAVConfig())
            def open(self, path):
                import os, signal
                if path.stem == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                return self.decoder.open(path)
        """,
}
EXPERIMENT = """
task = "nothing"
model = "nothing"
[data]
root = "."
[data.train]
type = "video-list"
list = "train.txt"
[data.train.sampling]
type = "dense"
num_frames = 4
[data.val]
type = "class-folders"
folder = "later"
classes = ["down", "up"]
[data.val.sampling]
type = "dense"
num_frames = 4
"""


@pytest.fixture
def video_folder(tmp_path: Path) -> Path:
    """Videos no two of which are alike, for training and, in the folder `later`, for validation."""
    names = ["down/0", "down/1", "up/0", "up/2", "later/down/0", "later/up/1"]
    for i, name in enumerate(names):
        file = tmp_path / f"videos/{name}.mp4"
        file.parent.mkdir(parents=True, exist_ok=True)
        MadeVideo(num_frames=8 + i, options=h264()).write(file)
    return tmp_path / "videos"


@pytest.fixture(autouse=True)
def experiment(video_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The current folder has an experiment over made videos; its task and model do nothing."""
    write_plugin(tmp_path / "site", "nothing", PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.chdir(video_folder)
    monkeypatch.setenv("VIDCORE_CACHE", str(tmp_path / "cache"))
    Path("exp.toml").write_text(EXPERIMENT)
    Path("train.txt").write_text("up/0.mp4 1\ndown/1.mp4 0\n")
    host.cache_clear()
    yield
    host.cache_clear()


def check(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["data", "check", "exp.toml", *arguments])


def test_good_data_ends_with_0_and_is_counted_by_split() -> None:
    result = check()
    assert result.exit_code == 0, result.output
    assert "data.train: 2 videos, 2 classes" in result.output
    assert "data.val: 2 videos, 2 classes" in result.output
    assert "no error found" in result.output


def test_every_problem_is_told_with_its_row_and_ends_with_1() -> None:
    Path("train.txt").write_text("up/0.mp4 1\nup/9.mp4 1\nup/0.mp4 1\nempty.mp4 0\n")
    Path("empty.mp4").write_bytes(b"")
    result = check()
    assert result.exit_code == 1
    assert "error: train.txt:2" in result.output.replace(f"{Path.cwd()}/", "")
    assert "empty.mp4 is empty" in result.output
    assert "is listed a second time, first in row 1" in result.output
    assert "2 errors in 6 videos" in result.output


def test_one_split_alone() -> None:
    Path("train.txt").write_text("up/9.mp4 1\nup/0.mp4 1\n")
    assert check("--split", "val").exit_code == 0
    assert check("--split", "train").exit_code == 1


@pytest.mark.parametrize("workers", ["1", "2"])
def test_deep_finds_what_cannot_be_decoded(workers: str) -> None:
    Path("up/0.mp4").write_text("this is no video")
    Path("later/up/1.mp4").write_bytes(Path("up/2.mp4").read_bytes()[:900])
    assert check().exit_code == 0
    deep = check("--deep", "--workers", workers)
    assert deep.exit_code == 1
    lines = [line for line in deep.output.splitlines() if line.startswith("error")]
    assert [name in line for name, line in zip(("up/0.mp4", "later/up/1.mp4"), lines, strict=True)] == [True, True]


def test_a_video_that_kills_its_process_is_named_and_the_others_are_read() -> None:
    Path("up/2.mp4").rename("up/kill.mp4")
    Path("train.txt").write_text("up/0.mp4 1\nup/kill.mp4 1\ndown/1.mp4 0\n")
    found = check("--deep", "--workers", "2", "--split", "train", "--set", "data.decoder=nothing")
    assert found.exit_code == 1 and "1 error in 3 videos" in found.output
    assert "up/kill.mp4" in found.output and "the process that worked on it was killed" in found.output


def test_what_training_shares_with_validation_is_an_error_by_name_and_by_content() -> None:
    Path("train.txt").write_text("up/0.mp4 1\nlater/down/0.mp4 0\nup/2.mp4 1\n")
    Path("later/up/copy.mp4").write_bytes(Path("up/2.mp4").read_bytes())
    found = check()
    assert found.exit_code == 1 and "2 errors" in found.output
    assert "later/down/0.mp4 is in data.val too" in found.output
    assert "later/up/copy.mp4 of data.val" in found.output and "train.txt:3" in found.output


def test_other_parts_of_a_file_are_a_warning() -> None:
    Path("train.txt").write_text("later/up/1.mp4 0 4 1\nlater/up/1.mp4 5 4 1\ndown/1.mp4 0 4 0\n")
    found = check("--set", 'data.train.columns=["path","offset","frames","label"]')
    assert found.exit_code == 0 and "later/up/1.mp4 is in data.val too" in found.output


def test_splits_with_other_classes_are_an_error() -> None:
    def classes(*names: str) -> SimpleNamespace:
        return SimpleNamespace(classes=names)

    def told(*splits: SimpleNamespace) -> list[str]:
        return [finding.text for finding in other_classes(dict(zip(("train", "val"), splits, strict=True)))]

    assert told(classes("down", "up"), classes("up", "down"))[0].startswith(
        "class 0 is 'up', in data.train it is 'down'"
    )
    assert told(classes("0", "1"), classes("0", "1", "2"))[0].startswith("3 classes, data.train has 2")
    assert told(classes("down", "up"), classes("up"))[0].startswith("1 classes, data.train has 2")
    assert told(classes("0", "1", "2"), classes("0", "1")) == told(classes("down", "up"), classes("0", "1")) == []


def test_wrong_labels_of_a_split_do_not_hide_the_other_split() -> None:
    Path("train.txt").write_text("up/0.mp4 7\nup/2.mp4 1\n")
    Path("later/up/1.mp4").write_bytes(b"")
    Path("classes.txt").write_text("down\nup\n")
    found = check("--set", "data.train.classes=classes.txt", "--cleaned", "good")
    assert found.exit_code == 1 and "2 errors" in found.output
    assert "not cleaned: data.train cannot be used" in found.output and not Path("good/train.txt").exists()
    assert "train.txt:1: label 7 is outside the classes" in found.output and "later/up/1.mp4 is empty" in found.output


def test_cleaned_lists_hold_the_good_rows_and_pass_the_check() -> None:
    Path("train.txt").write_text("# mine\nup/0.mp4 1\nup/9.mp4 1\nlater/down/0.mp4 0\ndown/1.mp4 0\nup/2.mp4 1\n")
    Path("up/2.mp4").write_text("this is no video")
    Path("later/up/1.mp4").write_bytes(b"")
    MadeVideo(num_frames=30, options=h264()).write(Path("later/up/2.mp4"))
    found = check("--deep", "--workers", "1", "--cleaned", "good")
    assert found.exit_code == 1 and "4 errors" in found.output
    assert Path("good/train.txt").read_text() == "# mine\nup/0.mp4 1\ndown/1.mp4 0\n"
    assert Path("good/val.txt").read_text() == "down/0.mp4\nup/2.mp4\n"
    good = check(
        "--deep", "--workers", "1", "--set", "data.train.list=good/train.txt", "--set", "data.val.list=good/val.txt"
    )
    assert good.exit_code == 0, good.output


@pytest.mark.parametrize("form", ["csv", "json"])
def test_lists_of_every_form_are_cleaned(form: str) -> None:
    rows = {
        "csv": "path,label\nup/9.mp4,1\nup/0.mp4,1\ndown/1.mp4,0\n",
        "json": '{"up/9.mp4": 1, "up/0.mp4": 1, "down/1.mp4": 0}',
    }
    kept = {"csv": "path,label\nup/0.mp4,1\ndown/1.mp4,0\n", "json": '{\n "up/0.mp4": 1,\n "down/1.mp4": 0\n}\n'}
    Path(f"rows.{form}").write_text(rows[form])
    check("--split", "train", "--set", f"data.train.list=rows.{form}", "--cleaned", "good")
    assert Path(f"good/rows.{form}").read_text() == kept[form]
    refused = check("--split", "train", "--set", f"data.train.list=rows.{form}", "--cleaned", ".")
    assert "would be written over" in refused.output and Path(f"rows.{form}").read_text() == rows[form]
