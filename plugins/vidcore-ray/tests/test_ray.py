"""A local Ray does what processes do: everything is made, failures and killed processes are named."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import ray

import vidcore_ray.plugin
from vidcore.errors import RunError
from vidcore.testing import check_plugin
from vidcore_prepare.engine import Counts, Item, Report, run
from vidcore_ray.config import Ray
from vidcore_ray.pool import RayPool, connected

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"
)


def test_plugin_keeps_its_promises() -> None:
    check_plugin(vidcore_ray.plugin)


def test_a_cluster_that_does_not_answer_is_told_with_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(address: str, **options: object) -> None:
        raise ConnectionError(f"nobody at {address}")

    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    monkeypatch.setattr(ray, "init", refuse)
    with (
        pytest.raises(RunError, match=r"the Ray cluster at RAY_ADDRESS=127.0.0.1:1 does not answer: nobody"),
        connected(2),
    ):
        pass


def test_without_work_no_ray_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "init", None)
    assert list(RayPool(Ray()).map(lambda item: None, [])) == []  # type: ignore[arg-type, return-value]


@pytest.fixture(scope="module")
def local() -> Iterator[None]:
    """A Ray of this machine, for all tests of the file; its processes find this file."""
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    environment = {"env_vars": {"PYTHONPATH": path}}
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env=environment)
    yield
    ray.shutdown()


def shout(item: Item, unfinished: Path) -> Counts:
    """Writes a text in capitals; a text may be a mistake, or kill its process."""
    text: str = item.source
    if text == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if text == "wrong":
        raise ValueError("a wrong text")
    unfinished.write_text(text.upper())
    return {"letters": len(text)}


def prepared(folder: Path, texts: Sequence[str]) -> Report:
    from test_ray import shout as work  # as processes import it

    items = [Item(name=f"{i}", output=folder / f"{i}.txt", source=text) for i, text in enumerate(texts)]
    return run(items, work, folder, pool=RayPool(Ray(workers=2)))


@pytest.mark.slow
def test_everything_is_made_once_with_relative_names(
    local: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.chdir(tmp_path)
    first = prepared(Path("out"), ["one", "two", "three"])
    assert (first.made, first.failed, first.counts) == (3, {}, {"letters": 11})
    assert (tmp_path / "out/2.txt").read_text() == "THREE"
    again = prepared(Path("out"), ["one", "two", "three", "four"])
    assert (again.made, again.there) == (1, 3)


@pytest.mark.slow
def test_a_killed_process_and_a_failure_cost_one_item_each(
    local: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    report = prepared(tmp_path / "out", ["one", "kill", "two", "wrong", "three"])
    assert report.made == 3 and report.failed.keys() == {"1", "3"}
    assert "was killed" in report.failed["1"] and report.failed["3"] == "ValueError: a wrong text"
    assert not list((tmp_path / "out").rglob("*.tmp"))
    assert sorted(path.name for path in (tmp_path / "out").glob("*.txt")) == ["0.txt", "2.txt", "4.txt", "failed.txt"]
