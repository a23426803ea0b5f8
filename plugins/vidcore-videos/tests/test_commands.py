"""`vidcore data check` on an experiment over real files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from vidcore.cli.main import cli
from vidcore.plugins import host
from vidcore.testing.made_plugins import write_plugin

PLUGIN = {
    "plugin.py": """
        from vidcore.plugins import Component, hookimpl
        api = 1
        @hookimpl
        def vidcore_components():
            return [Component(kind=kind, name="nothing", summary="made", config=f"vidcore_nothing.config:{cls}",
                              factory=f"vidcore_nothing.config:{cls}") for kind, cls in (("task", "T"), ("model", "M"))]
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
classes = ["down", "up"]
[data.val.sampling]
type = "dense"
num_frames = 4
"""


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
    assert "data.val: 6 videos, 2 classes" in result.output
    assert "no error found" in result.output


def test_every_problem_is_told_with_its_row_and_ends_with_1() -> None:
    Path("train.txt").write_text("up/0.mp4 1\nup/9.mp4 1\nup/0.mp4 1\nempty.mp4 0\n")
    Path("empty.mp4").write_bytes(b"")
    result = check()
    assert result.exit_code == 1
    assert "error: train.txt:2" in result.output.replace(f"{Path.cwd()}/", "")
    assert "empty.mp4 is empty" in result.output
    assert "is listed a second time, first in row 1" in result.output
    assert "2 errors in 10 videos" in result.output


def test_one_split_alone() -> None:
    Path("train.txt").write_text("up/9.mp4 1\nup/0.mp4 1\n")
    assert check("--split", "val").exit_code == 0
    assert check("--split", "train").exit_code == 1


def test_deep_finds_what_cannot_be_decoded() -> None:
    Path("up/2.mp4").write_text("this is no video")
    assert check().exit_code == 0
    deep = check("--deep")
    assert deep.exit_code == 1
    assert "up/2.mp4" in deep.output
