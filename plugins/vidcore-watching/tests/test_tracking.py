from __future__ import annotations

import json
from pathlib import Path

import pytest

from vidcore.errors import RunError
from vidcore_watching.tracking import Follower, Place


def write(folder: Path, journal: str, text: str) -> None:
    with (folder / f"{journal}.jsonl").open("a") as file:
        file.write(text)


def row(step: int, split: str = "train", **values: float) -> str:
    return json.dumps({"step": step, "epoch": 1, "split": split, **values}) + "\n"


def test_rows_are_told_once_and_a_line_that_is_being_written_is_waited_for(tmp_path: Path) -> None:
    follower = Follower(tmp_path)
    assert follower.rows() == []
    write(tmp_path, "metrics", row(10, loss=2.0) + row(10, "val", top1=0.5) + row(20, loss=1.0)[:12])
    assert follower.rows() == [(10, {"train/loss": 2.0, "val/top1": 0.5, "epoch": 1.0})]
    write(tmp_path, "metrics", row(20, loss=1.0)[12:])
    assert follower.rows() == [(20, {"train/loss": 1.0, "epoch": 1.0})]
    assert follower.rows() == []


def test_values_and_times_of_a_step_are_told_together_in_the_order_of_steps(tmp_path: Path) -> None:
    write(tmp_path, "metrics", row(10, loss=2.0) + row(20, loss=1.0))
    write(
        tmp_path, "timings", row(10, seconds=2.0, data_seconds=0.5, clips_per_second=8.0) + row(20, "val", seconds=3.0)
    )
    first, second = Follower(tmp_path).rows()
    assert first == (10, {"train/loss": 2.0, "epoch": 1.0, "time/data_share": 0.25, "time/clips_per_second": 8.0})
    assert second == (20, {"train/loss": 1.0, "epoch": 1.0, "time/val_seconds": 3.0})


def test_what_was_told_is_passed_over_but_for_the_last_evaluation(tmp_path: Path) -> None:
    write(tmp_path, "metrics", row(10, loss=2.0) + row(20, loss=1.0) + row(20, "test", top1=0.5))
    assert Follower(tmp_path, told=20).rows() == [(20, {"test/top1": 0.5, "epoch": 1.0})]


def test_times_of_steps_that_a_kill_undid_are_not_told_when_the_run_goes_on(tmp_path: Path) -> None:
    write(tmp_path, "metrics", row(10, loss=2.0))  # which was cut there
    write(tmp_path, "timings", row(10, clips_per_second=8.0) + row(20, clips_per_second=1.0))
    follower = Follower(tmp_path)
    assert [step for step, _ in follower.rows(until=10)] == [10]
    assert follower.told == 10
    write(tmp_path, "timings", row(20, clips_per_second=9.0))
    assert follower.rows() == [(20, {"time/clips_per_second": 9.0})]


def test_a_place_is_kept_and_steps_after_the_checkpoint_are_told_again(tmp_path: Path) -> None:
    place = Place(tmp_path, "somewhere")
    assert place.read(0) == ("", 0)
    place.write("abc", 30)
    assert place.read(20) == ("abc", 20)
    assert place.read(40) == ("abc", 30)
    (tmp_path / "tracking/somewhere.json").write_text("[")
    with pytest.raises(RunError, match="remove it to begin a new run there"):
        place.read(0)
