from __future__ import annotations

import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

import vidcore_report.plugin
from vidcore.cli.main import cli
from vidcore.engine.events import Events
from vidcore.errors import RunError
from vidcore.testing import check_plugin
from vidcore_report import draw
from vidcore_report.callback import ReportCallback
from vidcore_report.config import Report
from vidcore_report.records import read_run

MakeRun = Callable[..., Path]
VOID = {"meta", "img", "br"}


class Tags(HTMLParser):
    """Checks that every tag is closed, and gathers what the page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def send(callback: ReportCallback, event: str, folder: Path) -> None:
    events = Events({"report": callback})
    run = SimpleNamespace(folder=folder)
    values: dict[str, Any] = {
        "evaluation_finished": {"split": "val", "step": 1, "epoch": 1, "metrics": {}, "predictions": folder},
        "run_finished": {"metrics": {}},
        "run_stopped": {"step": 1, "reason": "Ctrl-C"},
    }[event]
    events.send(event, run=run, **values)
    assert not events.failures


def pictures(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix in (".png", ".html")}


def test_page_loads_nothing_and_is_well_formed(make_run: MakeRun) -> None:
    text = draw.page(read_run(make_run(count=6)), Report(samples=2)).read_text()
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert len(tags.loads) == 3
    assert all(load.startswith("data:image/png;base64,") for load in tags.loads)
    assert not re.search(r"https?://", text)


def test_page_tells_results_mistakes_experiment_and_environment(make_run: MakeRun) -> None:
    text = draw.page(read_run(make_run()), Report(samples=2)).read_text()
    for part in ("Most frequent mistakes", "96.0%", "2 min 20 s", "torch 2.6", "never-installed", "not finished"):
        assert part in text


def test_what_users_wrote_is_escaped(make_run: MakeRun) -> None:
    text = draw.page(read_run(make_run(count=1)), Report(samples=0)).read_text()
    assert "&lt;list&gt;" in text
    assert "<list>" not in text


def test_page_before_any_evaluation_is_drawn(make_run: MakeRun) -> None:
    folder = make_run(count=1)
    (folder / "metrics.jsonl").unlink()
    (folder / "predictions" / "val.jsonl").unlink()
    assert "none yet" in draw.page(read_run(folder), Report()).read_text()


def test_no_half_file_is_left_where_a_picture_stood(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run(count=1)
    before = draw.curves(read_run(folder)).read_bytes()

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RunError, match=r"curves.png cannot be written: No space"):
        draw.curves(read_run(folder))
    monkeypatch.undo()
    assert (folder / "curves.png").read_bytes() == before


def test_evaluation_draws_all_but_the_page(make_run: MakeRun) -> None:
    folder = make_run(count=4)
    send(ReportCallback(Report()), "evaluation_finished", folder)
    assert pictures(folder) == {"curves.png", "confusion.png", "predictions.png"}


def test_videos_are_read_again_only_when_the_run_went_on_for_long(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, drawn = [100.0], []

    def draw_slowly(*_: object) -> None:
        drawn.append(now[0])
        now[0] += 2.0

    monkeypatch.setattr("vidcore_report.callback.time", SimpleNamespace(monotonic=lambda: now[0]))
    for name in ("curves", "confusion"):
        monkeypatch.setattr(draw, name, lambda *_: None)
    monkeypatch.setattr(draw, "contact_sheet", draw_slowly)
    folder, callback = make_run(count=1), ReportCallback(Report())
    for later in (0.0, 50.0, 49.0, 2.0):
        now[0] += later
        send(callback, "evaluation_finished", folder)
    assert drawn == [100.0, 203.0]  # two seconds are a fiftieth of a hundred


def test_every_second_evaluation_can_be_drawn(make_run: MakeRun) -> None:
    folder = make_run(count=1)
    callback = ReportCallback(Report(every=2))
    send(callback, "evaluation_finished", folder)
    assert pictures(folder) == set()
    send(callback, "evaluation_finished", folder)
    assert "curves.png" in pictures(folder)


@pytest.mark.parametrize("event", ["run_finished", "run_stopped"])
def test_end_of_a_run_draws_everything(make_run: MakeRun, event: str) -> None:
    folder = make_run(count=4)
    send(ReportCallback(Report()), event, folder)
    assert pictures(folder) == {"curves.png", "confusion.png", "predictions.png", "report.html"}


def test_no_samples_means_no_such_picture(make_run: MakeRun) -> None:
    folder = make_run(count=4)
    send(ReportCallback(Report(samples=0)), "run_finished", folder)
    assert "predictions.png" not in pictures(folder)


@pytest.mark.parametrize(
    ("command", "file"),
    [
        (["curves"], "curves.png"),
        (["confusion", "--max-classes", "3"], "confusion.png"),
        (["predictions", "--samples", "2", "--split", "val"], "predictions.png"),
        (["report"], "report.html"),
    ],
)
def test_commands_draw_a_run_by_its_name(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, command: list[str], file: str
) -> None:
    folder = make_run(count=4)
    monkeypatch.chdir(folder.parents[1])
    result = CliRunner().invoke(cli, ["show", command[0], "made", *command[1:]], catch_exceptions=False)
    assert result.exit_code == 0
    assert result.output.strip() == os.path.join("runs", "made", file)
    assert (folder / file).stat().st_size > 1000


def test_unknown_run_names_those_that_are_there(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make_run(count=1).parents[1])
    with pytest.raises(RunError, match="no run 'mad'; in runs there are: made"):
        draw.find_run("mad")


def test_unknown_split_names_those_that_are_there(make_run: MakeRun) -> None:
    with pytest.raises(RunError, match="no predictions of split 'test'; there are: val"):
        draw.confusion(read_run(make_run(count=1)), Report(), "test")


def test_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no run folder"):
        read_run(tmp_path)


def test_plugin_keeps_its_contracts() -> None:
    check_plugin(vidcore_report.plugin)
