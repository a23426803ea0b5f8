from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from vidcore.testing import check_plugin
from vidcore_mlflow import plugin
from vidcore_mlflow.config import Mlflow
from vidcore_watching.made_runs import MadeRun


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return (tmp_path / "store").as_uri()


def runs(store: str) -> list[Run]:
    client = MlflowClient(tracking_uri=store)
    return list(client.search_runs([client.get_experiment_by_name("courts").experiment_id]))


def curve(store: str, name: str) -> list[tuple[int, float]]:
    (run,) = runs(store)
    history = MlflowClient(tracking_uri=store).get_metric_history(run.info.run_id, name)
    return [(point.step, point.value) for point in history]


def test_plugin_keeps_the_contract() -> None:
    check_plugin(plugin)


def test_curves_configuration_and_final_figures_are_stored(store: str, tmp_path: Path) -> None:
    made = MadeRun(tmp_path / "tennis", Mlflow(uri=store, experiment="courts"))
    made.begin()
    made.step(10, 2.0)
    made.evaluate(10, 0.25)
    made.step(20, 1.0)
    made.finish(**{"top1@all": 0.25})
    assert not made.events.failures
    (run,) = runs(store)
    assert (run.info.run_name, run.info.status) == ("tennis", "FINISHED")
    assert run.data.params["engine.log_every"] == "10"
    assert run.data.metrics["final/top1_all"] == 0.25  # MLflow takes no @
    assert curve(store, "train/loss") == [(10, 2.0), (20, 1.0)]
    assert curve(store, "val/top1") == [(10, 0.25)]


def test_a_resume_continues_the_same_run(store: str, tmp_path: Path) -> None:
    made = MadeRun(tmp_path / "tennis", Mlflow(uri=store, experiment="courts"))
    made.begin()
    made.step(10, 2.0)
    made.save(10)
    made.stop(10)
    assert runs(store)[0].info.status == "KILLED"
    made.begin(start_step=10)
    assert runs(store)[0].info.status == "RUNNING"
    made.step(20, 1.0)
    made.finish()
    assert curve(store, "train/loss") == [(10, 2.0), (20, 1.0)]
    assert runs(store)[0].info.status == "FINISHED"


def test_a_store_that_cannot_be_reached_does_not_stop_the_run(tmp_path: Path) -> None:
    made = MadeRun(tmp_path / "tennis", Mlflow(uri="no-such-store://x"))
    made.begin()
    made.step(10, 2.0)
    made.finish()
    assert made.events.failures == {"tracker": 1}  # told once, at the start
