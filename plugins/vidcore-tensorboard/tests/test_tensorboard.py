from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from vidcore.testing import check_plugin
from vidcore_tensorboard import plugin
from vidcore_tensorboard.config import TensorBoard
from vidcore_watching.made_runs import MadeRun


@pytest.fixture
def made_run(tmp_path: Path) -> Iterator[MadeRun]:
    run = MadeRun(tmp_path / "tennis", TensorBoard())
    yield run
    assert not run.events.failures


def curves(run: MadeRun) -> dict[str, list[tuple[int, float]]]:
    found = EventAccumulator(str(run.folder / "tensorboard"))
    found.Reload()
    return {tag: [(each.step, round(each.value, 4)) for each in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def test_plugin_keeps_the_contract() -> None:
    check_plugin(plugin)


def test_curves_are_those_of_the_run_folder(made_run: MadeRun) -> None:
    made_run.begin()
    made_run.step(10, 2.0)
    made_run.evaluate(10, 0.25)
    made_run.step(20, 1.0)
    made_run.finish(top1=0.25)
    found = curves(made_run)
    assert found["train/loss"] == [(10, 2.0), (20, 1.0)]
    assert found["val/top1"] == [(10, 0.25)]
    assert found["time/clips_per_second"] == [(10, 40.0), (20, 40.0)]
    assert found["time/data_share"][0] == (10, 0.25)
    assert found["time/memory_gib"][0] == (10, 1.0)


def test_a_killed_run_goes_on_in_the_same_curve_without_the_steps_that_were_undone(made_run: MadeRun) -> None:
    made_run.begin()
    made_run.step(10, 2.0)
    made_run.save(10)
    made_run.step(20, 9.0)  # killed after this one, when it had just been written out
    made_run.events._manager.get_plugin("tracker").service.flush()
    made_run.begin(start_step=10)
    made_run.step(20, 1.5)
    made_run.step(30, 1.0)
    made_run.finish()
    assert curves(made_run)["train/loss"] == [(10, 2.0), (20, 1.5), (30, 1.0)]


def test_a_callback_that_is_added_later_tells_the_whole_run(made_run: MadeRun) -> None:
    made_run.write("metrics", {"step": 10, "epoch": 1, "split": "train", "loss": 3.0})
    made_run.begin(start_step=10)
    made_run.step(20, 2.0)
    made_run.stop(20)
    assert curves(made_run)["train/loss"] == [(10, 3.0), (20, 2.0)]
